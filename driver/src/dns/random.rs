//! Numbers from the caller's seed.

/// SplitMix64 (Steele, Lea and Flood 2014): as unpredictable as its seed
#[derive(Clone, Debug)]
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(super) fn query_id(&mut self) -> u16 {
        (self.next() >> 48) as u16
    }

    /// A number below `end`, or 0 if that is 0
    pub(super) fn below(&mut self, end: usize) -> usize {
        // The bias of the remainder is nothing to a handful of servers
        (self.next() as usize).checked_rem(end).unwrap_or_default()
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn random_numbers_are_those_of_splitmix64() {
        // As its reference implementation gives them (S. Vigna, prng.di.unimi.it/splitmix64.c)
        let mut random = Random::new(1_234_567);
        let first = [(); 2].map(|()| random.next());
        assert_eq!(
            first,
            [6_457_827_717_110_365_317, 3_203_168_211_198_807_973]
        );
        assert_eq!(
            u64::from(random.query_id()),
            9_817_491_932_198_370_423 >> 48
        );
    }

    #[test]
    fn a_number_below_an_end_is_below_it_and_below_nothing_it_is_zero() {
        let mut random = Random::new(1_234_567);
        let drawn: Vec<_> = (0..50).map(|_| random.below(3)).collect();
        assert!([0, 1, 2].iter().all(|number| drawn.contains(number)));
        assert!(drawn.iter().all(|number| *number < 3));
        assert_eq!(random.below(0), 0);
    }
}
