//! Why a name is found or not: explanations, recordings, and the editions side by side.

use fedway_core::Code;
use fedway_testkit::world::WorldPlan;

use crate::rig::{command, only_object, run, scratch, stderr, stdout, world};

#[test]
fn an_explanation_begins_with_a_sentence_and_has_every_step() {
    let world = world();
    let output = run(&world, &["resolve", "--explain", "good.example:8449"], "");
    let text = stdout(&output);
    let first = "Requests for good.example:8449 go to good.example:8449, since the name says so\n(step 2). Nothing has to be changed.\n";
    assert!(text.starts_with(first), "{text}");
    for part in [
        "A good.example",
        "→ 192.0.2.7",
        "· steps 4 to 6: not needed",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(
        text.lines().all(|line| line.chars().count() <= 80),
        "{text}"
    );
    let args = [
        "resolve",
        "--explain",
        "--format",
        "json",
        "good.example:8449",
    ];
    let object = only_object(&run(&world, &args, ""));
    let path = object["path"].as_array().unwrap();
    let fates: Vec<_> = path
        .iter()
        .map(|step| step["fate"].as_str().unwrap())
        .collect();
    assert_eq!(fates[..3], ["left", "taken", "not_reached"]);
    assert_eq!(path.len(), 11);
}

#[test]
fn the_path_of_one_name_is_a_picture() {
    let world = world();
    let args = ["resolve", "--format", "svg", "good.example:8449"];
    let picture = stdout(&run(&world, &args, ""));
    assert!(
        picture.starts_with("<svg ") && picture.ends_with("</svg>\n"),
        "{picture}"
    );
    assert!(
        picture.contains(">A good.example</text><rect "),
        "{picture}"
    );
    assert!(
        picture.contains("<title>A good.example: 192.0.2.7 ("),
        "{picture}"
    );
    let args = ["resolve", "--format", "svg", "a.example", "b.example"];
    let output = run(&world, &args, "");
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(stderr(&output), "fedway: --format svg is for one name\n");
}

#[test]
fn a_finding_says_what_to_change() {
    let world = world();
    let output = run(
        &world,
        &["resolve", "--format", "json", "missing.example"],
        "",
    );
    assert_eq!(output.status.code(), Some(1));
    let object = only_object(&output);
    let codes: Vec<_> = object["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["code"].as_str().unwrap())
        .collect();
    assert_eq!(codes[0], "no-address");
    assert_eq!(object["findings"][0]["level"], "error");
    assert!(
        object["findings"][0]["change"]
            .as_str()
            .unwrap()
            .starts_with("give missing.example an A or AAAA record")
    );
}

#[test]
fn what_was_not_asked_for_is_not_said_to_be_missing() {
    let mut plan = WorldPlan::new();
    plan.aaaa("six.example", "2001:db8::7");
    let world = plan.start().unwrap();
    let args = ["resolve", "--ipv4", "--explain", "six.example:8448"];
    let text = stdout(&run(&world, &args, ""));
    assert!(
        text.starts_with("Nothing can be said of six.example:8448 from here: "),
        "{text}"
    );
    assert!(text.contains("leave out --ipv4 or --ipv6"), "{text}");
}

#[test]
fn a_recording_is_replayed_without_a_network() {
    let world = world();
    let folder = scratch("beside", b"").with_file_name("recordings");
    let folder = folder.to_str().unwrap();
    let args = [
        "resolve",
        "--explain",
        "--record",
        folder,
        "good.example:8449",
    ];
    let first = stdout(&run(&world, &args, ""));
    drop(world);
    let file = format!("{folder}/good.example+8449.v1.8.json");
    let output = command(&["replay", &file], "");
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(stdout(&output), first);

    let text = std::fs::read_to_string(&file).unwrap();
    for (name, damaged, complaint) in [
        (
            "later",
            text.replacen("\"version\":1", "\"version\":7", 1),
            "a recording of version 7, where 1 is read",
        ),
        ("other", text.replacen("192.0.2.7", "192.0.2.8", 1), "entry"),
        (
            "damaged",
            text[..text.len() / 2].to_owned(),
            "no recording of a search",
        ),
    ] {
        let file = scratch(name, damaged.as_bytes());
        let output = command(&["replay", file.to_str().unwrap()], "");
        assert_ne!(output.status.code(), Some(0), "{name}");
        let text = stderr(&output);
        assert!(text.contains(complaint), "{name}: {text}");
        assert_eq!(text.lines().count(), 1, "{text}");
    }
}

#[test]
fn the_editions_are_shown_side_by_side_from_one_set_of_answers() {
    let mut plan = WorldPlan::new();
    plan.a("old.example", "192.0.2.7");
    plan.srv("_matrix-fed._tcp.old.example", 10, 0, 8450, "new.example");
    plan.srv("_matrix._tcp.old.example", 10, 0, 8451, "old.example");
    plan.a("new.example", "192.0.2.8");
    let world = plan.start().unwrap();
    let output = run(&world, &["compare", "old.example"], "");
    let text = stdout(&output);
    for line in [
        "v1.8          step 4: 192.0.2.8:8450, Host: old.example",
        "r0.1        ≠ step 4: 192.0.2.7:8451, Host: old.example",
        "draft-2019  ≠ step 2: 192.0.2.7:8451, Host: old.example",
    ] {
        assert!(text.contains(line), "{text}");
    }
    assert!(text.contains("connects to 192.0.2.7:8451"), "{text}");
    let questions = world.dns_queries();
    let mut asked: Vec<_> = questions
        .iter()
        .map(|it| (it.record_type, it.name.clone()))
        .collect();
    let all = asked.len();
    asked.sort();
    asked.dedup();
    assert_eq!(
        asked.len(),
        all,
        "each question was asked once: {questions:?}"
    );
}

#[test]
fn every_code_is_explained_and_another_word_is_not() {
    let list = stdout(&command(&["explain"], ""));
    assert_eq!(list.lines().count(), Code::all().count());
    let output = command(&["explain", "certificate-for-srv-target"], "");
    assert!(stdout(&output).contains("the commonest mistake there is"));
    let output = command(&["explain", "no-such-code"], "");
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(
        stderr(&output),
        "fedway: \"no-such-code\": no code of a finding; `fedway explain` lists them\n"
    );
}

#[test]
fn a_recording_tells_of_another_edition_as_far_as_it_has_the_answers() {
    let mut plan = WorldPlan::new();
    plan.a("old.example", "192.0.2.7");
    plan.srv("_matrix._tcp.old.example", 10, 0, 8451, "old.example");
    let world = plan.start().unwrap();
    let folder = scratch("beside", b"").with_file_name("editions");
    let folder = folder.to_str().unwrap();
    run(&world, &["resolve", "--record", folder, "old.example"], "");
    let args = ["resolve", "--record", folder, "old.example:8449"];
    run(&world, &args, "");
    drop(world);

    let newest = format!("{folder}/old.example.v1.8.json");
    let output = command(&["replay", "--edition", "r0.1", &newest], "");
    let text = stdout(&output);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(text.contains("step 4"), "{text}");
    assert!(text.contains("192.0.2.7:8451"), "{text}");

    let with_port = format!("{folder}/old.example+8449.v1.8.json");
    let args = ["replay", "--edition", "draft-2019", &with_port, &newest];
    let output = command(&args, "");
    assert_eq!(output.status.code(), Some(1));
    let text = stderr(&output);
    assert!(text.contains("SRV _matrix._tcp.old.example"), "{text}");
    assert!(text.contains("fedway compare old.example:8449"), "{text}");
    assert!(
        stdout(&output).contains("192.0.2.7:8451"),
        "the other is shown"
    );
}
