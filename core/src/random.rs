//! Chance from a seed: the same seed gives the same.

/// Steele, Lea and Flood's SplitMix64, the same generator as `java.util.SplittableRandom`
pub(crate) struct SplitMix64(pub(crate) u64);

impl SplitMix64 {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
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
    SplitMix64(hash).next()
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
