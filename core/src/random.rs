//! Chance from a seed: the same seed gives the same.

/// SplitMix64 (Steele, Lea and Flood 2014), the generator of `java.util.SplittableRandom`
///
/// As unpredictable as its seed, and as repeatable. Public for the crates of this workspace only.
#[derive(Clone, Debug)]
pub struct SplitMix64(u64);

impl SplitMix64 {
    /// A generator that gives the same numbers for the same seed
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number
    pub const fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    /// A number from 0 to `most`, both included
    pub fn up_to(&mut self, most: u64) -> u64 {
        // The upper half of the product (Lemire 2019, without the rejection): its bias is below most / 2^64
        let product = u128::from(self.draw()) * (u128::from(most) + 1);
        (product >> 64) as u64
    }

    /// A number below `end`, or 0 if that is 0
    pub fn below(&mut self, end: usize) -> usize {
        // A remainder is biased by less than end / 2^64
        self.draw().checked_rem(end as u64).unwrap_or_default() as usize
    }
}

/// What chance gives a host under this seed: another number to each, whatever else it is drawn for, so that what befalls
/// many hosts in one moment does not end for all in one moment
pub(crate) fn draw(seed: u64, host: &str) -> u64 {
    let lower = host.bytes().map(|byte| byte.to_ascii_lowercase());
    let hash = lower.fold(FNV_OFFSET_BASIS ^ seed, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(FNV_PRIME)
    });
    // The upper bits of FNV say little of the last letters
    SplitMix64::new(hash).draw()
}

/// FNV-1a of 64 bits, by Fowler, Noll and Vo
const FNV_OFFSET_BASIS: u64 = 0xcbf2_9ce4_8422_2325;
/// Likewise
const FNV_PRIME: u64 = 0x0100_0000_01b3;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn random_numbers_are_those_of_splitmix64() {
        // As its reference implementation gives them (S. Vigna, prng.di.unimi.it/splitmix64.c)
        let mut random = SplitMix64::new(1_234_567);
        assert_eq!(
            [(); 3].map(|()| random.draw()),
            [
                6_457_827_717_110_365_317,
                3_203_168_211_198_807_973,
                9_817_491_932_198_370_423
            ]
        );
    }

    #[test]
    fn a_number_below_an_end_is_below_it_and_below_nothing_it_is_zero() {
        let mut random = SplitMix64::new(1_234_567);
        let drawn = [(); 50].map(|()| random.below(3));
        assert!([0, 1, 2].iter().all(|number| drawn.contains(number)));
        assert!(drawn.iter().all(|number| *number < 3));
        assert_eq!(random.below(0), 0);
    }

    #[test]
    fn a_number_up_to_a_most_reaches_it_and_no_most_is_too_large() {
        let mut random = SplitMix64::new(1_234_567);
        let drawn = [(); 50].map(|()| random.up_to(2));
        assert!([0, 1, 2].iter().all(|number| drawn.contains(number)));
        assert!(drawn.iter().all(|number| *number <= 2));
        // The sum of 70,000 weights of 65,535 each is more than 32 bits hold
        assert!(random.up_to(70_000 * 65_535) <= 70_000 * 65_535);
        let mut other = random.clone();
        assert_eq!(random.up_to(u64::MAX), other.draw());
    }

    #[test]
    fn a_draw_is_of_the_seed_and_the_host_in_whatever_case() {
        assert_eq!(draw(1, "Example.ORG"), draw(1, "example.org"));
        assert_ne!(draw(1, "example.org"), draw(2, "example.org"));
        assert_ne!(draw(1, "example.org"), draw(1, "example.com"));
    }

    #[test]
    fn hosts_that_differ_in_a_letter_have_draws_all_over() {
        let mut tenths = [0; 10];
        for index in 0..1_000 {
            let host = std::format!("matrix{index}.example.org");
            tenths[(draw(0, &host) as f64 / 2_f64.powi(64) * 10.0) as usize] += 1;
        }
        assert!(
            tenths.iter().all(|count| (70..130).contains(count)),
            "{tenths:?}"
        );
    }
}
