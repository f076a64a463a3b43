//! SRV records (RFC 2782): which of them are usable, and the order to try them in.

use alloc::sync::Arc;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::answer::SrvRecord;
use crate::name::Host;

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
    /// The target is an IP literal, which is no host name (RFC 2782, "Target")
    AddressTarget,
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
            Self::AddressTarget => "address_target",
            Self::PortZero => "port_zero",
            Self::RootTarget => "root_target",
            Self::TooMany => "too_many",
        }
    }
}

/// Orders the usable records: by priority, then by weighted choice (RFC 2782, "Weight")
///
/// The same records and seed give the same order, in whatever order the records arrive.
pub(crate) fn select(
    mut records: Vec<SrvRecord>,
    seed: u64,
    mut skipped: impl FnMut(&SrvRecord, SkippedRecord),
) -> Selection {
    records.sort_unstable();
    records.dedup();
    let all_root = !records.is_empty() && records.iter().all(|record| record.target.is_root());
    if all_root {
        return Selection::NotOffered;
    }
    records.retain(|record| match flaw(record) {
        Some(reason) => {
            skipped(record, reason);
            false
        }
        None => true,
    });
    choose_by_weight(&mut records, SplitMix64(seed));
    for record in records.iter().skip(MAX_TARGETS) {
        skipped(record, SkippedRecord::TooMany);
    }
    records.truncate(MAX_TARGETS);
    Selection::Targets(records.into_iter().map(Target::from).collect())
}

impl From<SrvRecord> for Target {
    fn from(record: SrvRecord) -> Self {
        Self {
            host: Host::Dns(record.target),
            port: record.port,
            srv: Some((record.priority, record.weight)),
        }
    }
}

fn flaw(record: &SrvRecord) -> Option<SkippedRecord> {
    if record.target.is_root() {
        return Some(SkippedRecord::RootTarget);
    }
    if record.port == 0 {
        return Some(SkippedRecord::PortZero);
    }
    let is_address = record.target.ip_literal().is_some();
    is_address.then_some(SkippedRecord::AddressTarget)
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
            let chosen = random.next_up_to(last) as usize;
            records[start..=start + chosen].rotate_right(1);
            continue;
        }
        let mut draw = random.next_up_to(sum);
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

/// Steele, Lea and Flood's SplitMix64, the same generator as `java.util.SplittableRandom`
struct SplitMix64(u64);

impl SplitMix64 {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number from 0 to `most`, both included
    fn next_up_to(&mut self, most: u64) -> u64 {
        // `most` is a sum of 16-bit weights: multiplying 32 random bits cannot overflow, and its bias is below 2^-10
        ((self.next() >> 32) * (most + 1)) >> 32
    }
}

/// How many targets of one SRV set are tried: more cannot be tried within a search, and each costs two DNS questions ahead
pub(crate) const MAX_TARGETS: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::name::DnsName;
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
        match select(records.to_vec(), seed, |_, _| {}) {
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
    fn random_numbers_are_those_of_splitmix64() {
        // As its reference implementation gives them (S. Vigna, prng.di.unimi.it/splitmix64.c)
        let mut random = SplitMix64(1_234_567);
        let first = [(); 3].map(|()| random.next());
        assert_eq!(
            first,
            [
                6_457_827_717_110_365_317,
                3_203_168_211_198_807_973,
                9_817_491_932_198_370_423
            ]
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
            record(1, 0, 8448, "192.0.2.1"),
            record(2, 0, 8448, "."),
            record(3, 0, 8448, "good.example"),
        ];
        let mut reasons = Vec::new();
        let selection = select(records, 1, |_, reason| reasons.push(reason));
        let Selection::Targets(targets) = selection else {
            panic!("{selection:?}")
        };
        assert_eq!(targets.len(), 1);
        assert_eq!(
            reasons,
            [
                SkippedRecord::PortZero,
                SkippedRecord::AddressTarget,
                SkippedRecord::RootTarget
            ]
        );
    }

    #[test]
    fn more_records_than_a_search_tries_are_cut() {
        let records: Vec<_> = (0..=16).map(|n| record(n, 0, 1, "a")).collect();
        let mut reasons = Vec::new();
        let selection = select(records, 1, |_, reason| reasons.push(reason));
        assert!(matches!(selection, Selection::Targets(targets) if targets.len() == MAX_TARGETS));
        assert_eq!(reasons, [SkippedRecord::TooMany]);
    }
}
