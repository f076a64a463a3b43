#[test]
fn x() {
    use fedway_testkit::script::Script;
    let mut s = Script::connect("example.org");
    s.well_known("example.org").fails(404);
    s.a("example.org").gives(["192.0.2.1"]);
    s.connect("192.0.2.1:8448").works();
    println!("{}", s.run());
    println!("{:?}", s.run().found());
}
