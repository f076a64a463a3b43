//! How many connections a search tries to open, and how fast: whoever is looked up must get no port scanner.

use std::ops::RangeInclusive;
use std::time::Duration;

use fedway_core::{AttemptError, Config, ConnectError, DiscoveryErrorKind};
use fedway_testkit::script::{Command, Goal, Run, Script, srv};

use crate::{ms, secs};

#[test]
fn eight_attempts_are_made_at_a_host_families_in_turn_and_it_is_told_that_there_were_more() {
    let run = many("example.org:8448", 9).run();
    let tried = run.connects();
    assert_eq!(tried.len(), 8);
    for pair in tried.chunks(2) {
        assert!(pair[0].starts_with('[') && !pair[1].starts_with('['));
    }
    assert_eq!(untried(&run), [AttemptError::TooManyAttempts { limit: 8 }]);
    let refused = AttemptError::Connect(ConnectError::Refused);
    assert_eq!(run.error().kind, DiscoveryErrorKind::Unreachable(refused));
}

#[test]
fn a_host_with_eight_addresses_is_tried_to_its_end_and_nothing_is_missing() {
    let run = many("example.org:8448", 4).run();
    assert_eq!(run.connects().len(), 8);
    assert_eq!(untried(&run), []);
}

#[test]
fn thirty_two_attempts_are_made_in_a_search_over_all_its_hosts() {
    let run = hostile(Goal::Connect).run();
    assert_eq!(run.connects().len(), 32);
    let limit = AttemptError::TooManyAttempts { limit: 32 };
    assert!(untried(&run).contains(&limit));
    // What ended the search is the last that was tried
    let refused = AttemptError::Connect(ConnectError::Refused);
    assert_eq!(run.error().kind, DiscoveryErrorKind::Unreachable(refused));
}

#[test]
fn a_target_for_which_no_attempt_is_left_says_so() {
    let mut s = many("example.org", 4).config(|config| config.limits.attempts = 8);
    s.srv("_matrix-fed._tcp.example.org")
        .gives([srv(0, 0, 8001, "host.example.net")]);
    s.a("host.example.net").gives(["192.0.2.99"]);
    let run = s.run();
    // All eight at port 443
    assert_eq!(run.connects().len(), 8);
    let limit = AttemptError::TooManyAttempts { limit: 8 };
    assert_eq!(run.error().kind, DiscoveryErrorKind::Unreachable(limit));
    assert_eq!(run.error().step(), "4");
}

#[test]
fn after_four_refusals_in_a_row_the_next_attempts_wait_their_turn() {
    let mut s = Script::connect("example.org:8448");
    s.a("example.org")
        .gives(numbered(1..=8, V4).iter().map(String::as_str));
    let run = s.run();
    let times = times(&run);
    // A look-up of 1 ms, four refusals of 2 ms each, and from then on RFC 8305's delay
    assert_eq!(times[..4], [1, 3, 5, 7].map(ms));
    assert_eq!(times[4..], [257, 507, 757, 1_007].map(ms));
}

#[test]
fn refusals_are_counted_over_all_targets_of_a_search() {
    let mut s = Script::connect("example.org");
    s.well_known("example.org").fails(404);
    s.srv("_matrix-fed._tcp.example.org")
        .gives((1..=6).map(|n| srv(n, 0, 8000 + n, "192.0.2.9")));
    let run = s.run();
    let times = times(&run);
    let gaps: Vec<_> = times[1..]
        .windows(2)
        .map(|pair| pair[1] - pair[0])
        .collect();
    assert_eq!(gaps[..3], [ms(2); 3]);
    assert_eq!(gaps[3..], [ms(250); 2]);
}

#[test]
fn a_connection_that_works_ends_the_row_of_refusals() {
    // Three refusals at port 443 and a connection, then three more at the delegated host: none of them waits
    let mut s = Script::connect("example.org");
    s.a("example.org")
        .gives(["192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4"]);
    s.connect("192.0.2.4:443").works();
    s.well_known("example.org")
        .delegates_to("host.example:9000");
    s.a("host.example")
        .gives(["192.0.2.5", "192.0.2.6", "192.0.2.7", "192.0.2.8"]);
    s.connect("192.0.2.8:9000").works();
    let run = s.run();
    assert!(run.found().connection.is_some());
    assert!(run.elapsed < ms(250), "{run}");
}

/// What one name can make a search do at worst: the table of SECURITY.md
#[test]
fn the_worst_search_does_what_the_documentation_says_and_no_more() {
    let mut asked = 0;
    let mut under_way = 0;
    println!("connections  questions  under way  time");
    for (what, script) in worst() {
        let run = script.run();
        let (connects, questions) = (run.connects().len(), run.questions().len());
        let (peak, time) = (run.peak, run.elapsed);
        println!("{connects:>11}  {questions:>9}  {peak:>9}  {time:>6.1?}  {what}");
        assert!(connects <= 32 && time <= secs(30), "{what}");
        asked = asked.max(questions);
        under_way = under_way.max(peak);
    }
    let documented = include_str!("../../../SECURITY.md");
    let Config {
        deadlines, limits, ..
    } = Config::default();
    let volume = usize::from(limits.attempts) * limits.volume / (1 << 20);
    for (row, number) in [
        ("connections tried", "32".to_owned()),
        ("questions asked", asked.to_string()),
        ("questions and connections at once", under_way.to_string()),
        // The stub listens to one slow server beside the one that it asks
        (
            "files open, two for each question at once",
            (2 * under_way).to_string(),
        ),
        ("bytes read, 256 KiB a connection", format!("{volume} MiB")),
        ("seconds", deadlines.search.as_secs().to_string()),
    ] {
        let line = format!("| {row} | {number} |");
        assert!(documented.contains(&line), "SECURITY.md should say: {line}");
    }
}

/// What can be made worst, each by another world
fn worst() -> [(&'static str, Script); 4] {
    let silent = |mut s: Script| {
        for n in 0..64 {
            s.a(&format!("t{n}.example")).is_silent();
            s.aaaa(&format!("t{n}.example")).is_silent();
        }
        s
    };
    let hanging = |mut s: Script| {
        for n in 1..=16 {
            for port in 1_000..1_064 {
                s.connect(&format!("192.0.2.{n}:{port}")).hangs();
            }
        }
        s
    };
    [
        ("everything refuses", hostile(Goal::Connect)),
        ("only resolved", hostile(Goal::Resolve)),
        ("name servers are silent", silent(hostile(Goal::Resolve))),
        (
            "half of the peers are silent",
            hanging(hostile(Goal::Connect)),
        ),
    ]
}

/// Five redirects to hosts of 32 addresses each, and 64 targets of as many, all of which refuse
fn hostile(goal: Goal) -> Script {
    let mut s = Script::new(goal, "example.org");
    s.a("example.org").gives(["192.0.2.1"]);
    s.connect("192.0.2.1:443").works();
    s.well_known("example.org")
        .redirects(302, "https://r0.example/");
    for n in 0..5_u16 {
        let host = format!("r{n}.example");
        addresses(&mut s, &host, n);
        // The third that is tried lets the search go on
        let leads_on = format!("[2001:db8::{n:x}:2]:443");
        s.connect(&leads_on).works();
        s.get(&format!("https://{host}/"))
            .redirects(302, &format!("https://r{}.example/", n + 1));
    }
    s.srv("_matrix-fed._tcp.example.org")
        .gives((0..64).map(|n| srv(n, 0, 1_000 + n, &format!("t{n}.example"))));
    for n in 0..64 {
        addresses(&mut s, &format!("t{n}.example"), 100 + n);
    }
    s
}

fn many(name: &str, of_each_family: u16) -> Script {
    let mut s = Script::connect(name);
    s.a("example.org")
        .gives(numbered(1..=of_each_family, V4).iter().map(String::as_str));
    s.aaaa("example.org").gives(
        numbered(1..=of_each_family, "2001:db8::")
            .iter()
            .map(String::as_str),
    );
    s
}

/// Sixteen of each family
fn addresses(s: &mut Script, host: &str, index: u16) {
    s.a(host)
        .gives(numbered(1..=16, V4).iter().map(String::as_str));
    let net = format!("2001:db8::{index:x}:");
    s.aaaa(host)
        .gives(numbered(1..=16, &net).iter().map(String::as_str));
}

fn numbered(numbers: RangeInclusive<u16>, net: &str) -> Vec<String> {
    numbers.map(|n| format!("{net}{n}")).collect()
}

/// What stands against a host as a whole
fn untried(run: &Run) -> Vec<AttemptError> {
    let attempts = run.error().notes.attempts.iter();
    let whole = attempts.filter(|attempt| attempt.address.is_none());
    whole.map(|attempt| attempt.error.clone()).collect()
}

/// When the connections were begun
fn times(run: &Run) -> Vec<Duration> {
    let begun = run.log.iter();
    begun
        .filter(|entry| matches!(entry.command, Command::Connect(_)))
        .map(|entry| entry.at)
        .collect()
}

const V4: &str = "192.0.2.";
