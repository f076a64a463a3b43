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
