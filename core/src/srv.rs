//! SRV records (RFC 2782): which of them are usable, and the order to try them in.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::answer::SrvRecord;
use crate::name::{DnsName, Host};
use crate::random::SplitMix64;

/// Somewhere to connect to, before its addresses are known
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) host: Host,
    pub(crate) port: u16,
    /// Priority and weight, where an SRV record gave the target
    pub(crate) srv: Option<(u16, u16)>,
}

/// What the records of one owner come to
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Selection {
    /// A target of `.`: "the service is decidedly not available at this domain"
    NotOffered,
    /// The targets in the order to try them in; none if every record was skipped
    Targets(Arc<[Target]>),
}

/// Why an SRV record was skipped
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[non_exhaustive]
#[serde(rename_all = "snake_case")]
pub enum SkippedRecord {
    /// The port is 0, which nothing listens on
    PortZero,
    /// The target is `.` although there are other records
    RootTarget,
    /// There are more records than a search tries
    TooMany,
}

impl SkippedRecord {
    /// The reason in one stable word, for machines
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::PortZero => "port_zero",
            Self::RootTarget => "root_target",
            Self::TooMany => "too_many",
        }
    }
}

/// What is told of a set of records beside its selection
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Flaws {
    /// The records that were not used
    pub(crate) skipped: Vec<(DnsName, SkippedRecord)>,
    /// How many there were beyond those that are looked at
    pub(crate) cut: usize,
}

/// Orders the usable records: by priority, then by weighted choice (RFC 2782, "Weight")
///
/// The same records and seed give the same order, in whatever order the records arrive. They are sorted, then cut,
/// then chosen from, so that no set is too large to be chosen from; within a priority the heavier ones stay.
pub(crate) fn select(mut records: Vec<SrvRecord>, seed: u64) -> (Selection, Option<Box<Flaws>>) {
    records.sort_unstable_by(|a, b| {
        let by_weight = b.weight.cmp(&a.weight);
        a.priority.cmp(&b.priority).then(by_weight).then(a.cmp(b))
    });
    records.dedup();
    if !records.is_empty() && records.iter().all(|record| record.target.is_root()) {
        return (Selection::NotOffered, None);
    }
    let cut = records.len().saturating_sub(MAX_RECORDS);
    records.truncate(MAX_RECORDS);
    let mut skipped = Vec::new();
    records.retain(|record| match flaw(record) {
        Some(reason) => {
            skipped.push((record.target.clone(), reason));
            false
        }
        None => true,
    });
    records.sort_unstable();
    choose_by_weight(&mut records, SplitMix64::new(seed));
    for record in records.iter().skip(MAX_TARGETS) {
        skipped.push((record.target.clone(), SkippedRecord::TooMany));
    }
    records.truncate(MAX_TARGETS);
    let targets = records.into_iter().map(Target::from).collect();
    let flawless = skipped.is_empty() && cut == 0;
    let flaws = (!flawless).then(|| Box::new(Flaws { skipped, cut }));
    (Selection::Targets(targets), flaws)
}

impl From<SrvRecord> for Target {
    fn from(record: SrvRecord) -> Self {
        // RFC 2782 forbids an address for a target, and the homeservers that exist dial it
        let host = match record.target.ip_literal() {
            Some(address) => Host::Ip(address),
            None => Host::Dns(record.target),
        };
        Self {
            host,
            port: record.port,
            srv: Some((record.priority, record.weight)),
        }
    }
}

fn flaw(record: &SrvRecord) -> Option<SkippedRecord> {
    if record.target.is_root() {
        return Some(SkippedRecord::RootTarget);
    }
    (record.port == 0).then_some(SkippedRecord::PortZero)
}

/// Orders records that are sorted by priority and, within a priority, by weight
///
/// RFC 2782: of the records of one priority, arranged with those of weight 0 first, choose the first
/// whose running sum of weights reaches a random number between 0 and the sum of all; repeat with the rest.
fn choose_by_weight(records: &mut [SrvRecord], mut random: SplitMix64) {
    for start in 0..records.len() {
        let priority = records[start].priority;
        let rest = &records[start..];
        let same = rest.iter().take_while(|record| record.priority == priority);
        let sum: u64 = same.clone().map(|record| u64::from(record.weight)).sum();
        if sum == 0 {
            // "There isn't any server selection to do": each is as good, and the load is spread
            let last = same.count() as u64 - 1;
            // Less than the number of records, which is a usize
            let chosen = random.up_to(last) as usize;
            records[start..=start + chosen].rotate_right(1);
            continue;
        }
        let mut draw = random.up_to(sum);
        let chosen = same
            .map(|record| u64::from(record.weight))
            .position(|weight| {
                let reached = weight >= draw;
                draw = draw.saturating_sub(weight);
                reached
            })
            .unwrap_or(0);
        // Rotating instead of swapping keeps the others in their order, weight 0 first
        records[start..=start + chosen].rotate_right(1);
    }
}

/// How many records of one SRV set are looked at, the lowest priorities first: four times what is tried, so that flawed
/// ones leave enough; our choice
const MAX_RECORDS: usize = 64;
/// How many targets of one SRV set are tried: more cannot be tried within a search, and each costs two DNS questions
pub(crate) const MAX_TARGETS: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    fn record(priority: u16, weight: u16, port: u16, target: &str) -> SrvRecord {
        SrvRecord {
            priority,
            weight,
            port,
            target: DnsName::new(target).unwrap(),
        }
    }

    fn order(records: &[SrvRecord], seed: u64) -> Vec<alloc::string::String> {
        match select(records.to_vec(), seed).0 {
            Selection::NotOffered => vec![".".into()],
            Selection::Targets(targets) => targets
                .iter()
                .map(|target| alloc::format!("{}", target.host))
                .collect(),
        }
    }

    #[test]
    fn a_lower_priority_number_comes_first() {
        let records = [
            record(20, 0, 1, "c"),
            record(10, 0, 1, "b"),
            record(0, 0, 1, "a"),
        ];
        assert_eq!(order(&records, 7), ["a", "b", "c"]);
    }

    #[test]
    fn the_order_of_arrival_does_not_matter() {
        let mut records = vec![
            record(1, 5, 1, "a"),
            record(1, 5, 1, "b"),
            record(1, 5, 2, "a"),
        ];
        for seed in 0..50 {
            let first = order(&records, seed);
            records.rotate_left(1);
            assert_eq!(order(&records, seed), first);
        }
    }

    #[test]
    fn weights_give_their_share_of_first_choices() {
        let records = [
            record(1, 1, 1, "light"),
            record(1, 3, 1, "heavy"),
            record(1, 0, 1, "zero"),
        ];
        let firsts = |host: &str| {
            (0..4_000)
                .filter(|seed| order(&records, *seed)[0] == host)
                .count()
        };
        // RFC 2782's draw is from 0 to the sum of 4: 0 picks "zero", 1 "light", 2 to 4 "heavy"
        assert!((700..900).contains(&firsts("zero")), "{}", firsts("zero"));
        assert!((700..900).contains(&firsts("light")), "{}", firsts("light"));
        assert!(
            (2_250..2_550).contains(&firsts("heavy")),
            "{}",
            firsts("heavy")
        );
    }

    #[test]
    fn targets_without_weight_share_the_first_choices() {
        let records = [
            record(1, 0, 1, "a"),
            record(1, 0, 1, "b"),
            record(1, 0, 1, "c"),
        ];
        for host in ["a", "b", "c"] {
            let firsts = (0..3_000)
                .filter(|seed| order(&records, *seed)[0] == host)
                .count();
            assert!((900..1_100).contains(&firsts), "{host}: {firsts}");
        }
    }

    #[test]
    fn every_target_is_tried_once_whatever_the_seed() {
        let records = [
            record(1, 0, 1, "a"),
            record(1, u16::MAX, 1, "b"),
            record(2, 9, 1, "c"),
        ];
        for seed in 0..100 {
            let mut hosts = order(&records, seed);
            assert_eq!(hosts[2], "c");
            hosts.sort_unstable();
            assert_eq!(hosts, ["a", "b", "c"]);
        }
    }

    #[test]
    fn a_single_root_target_means_not_offered() {
        assert_eq!(order(&[record(0, 0, 0, ".")], 1), ["."]);
        assert_eq!(
            order(&[record(0, 0, 0, "."), record(1, 0, 0, ".")], 1),
            ["."]
        );
    }

    #[test]
    fn unusable_records_are_skipped_with_their_reason() {
        let records = vec![
            record(0, 0, 0, "zero.example"),
            record(2, 0, 8448, "."),
            record(3, 0, 8448, "good.example"),
        ];
        let (selection, flaws) = select(records, 1);
        let Selection::Targets(targets) = selection else {
            panic!("{selection:?}")
        };
        assert_eq!(targets.len(), 1);
        let flaws = flaws.unwrap();
        let reasons: Vec<_> = flaws.skipped.iter().map(|(_, reason)| *reason).collect();
        assert_eq!(
            reasons,
            [SkippedRecord::PortZero, SkippedRecord::RootTarget]
        );
    }

    #[test]
    fn more_records_than_a_search_tries_are_cut() {
        let records: Vec<_> = (0..=16).map(|n| record(n, 0, 1, "a")).collect();
        let (selection, flaws) = select(records, 1);
        assert!(matches!(selection, Selection::Targets(targets) if targets.len() == MAX_TARGETS));
        let last = (DnsName::new("a").unwrap(), SkippedRecord::TooMany);
        let skipped = vec![last];
        assert_eq!(*flaws.unwrap(), Flaws { skipped, cut: 0 });
    }

    #[test]
    fn records_are_cut_by_priority_before_they_are_chosen_from() {
        let mut records: Vec<_> = (1..=64).map(|port| record(1, 0, port, "a")).collect();
        records.push(record(0, 0, 1, "first"));
        assert_eq!(order(&records, 1)[0], "first");
        assert_eq!(select(records, 1).1.unwrap().cut, 1);
    }

    #[test]
    fn of_one_priority_the_heavier_records_are_kept() {
        let mut records: Vec<_> = (1..=64).map(|port| record(1, 0, port, "light")).collect();
        records.push(record(1, 9, 1, "heavy"));
        let hosts = |seed| order(&records, seed);
        assert!((0..500).any(|seed| hosts(seed)[0] == "heavy"));
    }

    #[test]
    fn a_set_of_any_size_is_chosen_from() {
        let heavy = |n: u32| record((n >> 16) as u16, u16::MAX, n as u16, "a");
        let records: Vec<_> = (1..=70_000).map(heavy).collect();
        let (selection, flaws) = select(records, 7);
        assert!(matches!(selection, Selection::Targets(targets) if targets.len() == MAX_TARGETS));
        assert_eq!(flaws.unwrap().cut, 70_000 - MAX_RECORDS);
    }

    #[test]
    fn an_address_for_a_target_is_taken_for_what_it_says() {
        for (text, address) in [
            ("192.0.2.1", "192.0.2.1"),
            ("192.0.2.1.", "192.0.2.1"),
            ("192.000.002.001", "192.0.2.1"),
            ("[2001:db8::1]", "2001:db8::1"),
            ("2001:db8::1", "2001:db8::1"),
        ] {
            assert_eq!(order(&[record(0, 0, 1, text)], 1), [address], "{text}");
        }
        assert_eq!(order(&[record(0, 0, 1, "192.0.2.256")], 1), ["192.0.2.256"]);
    }
}
