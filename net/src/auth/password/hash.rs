//! Hashes of passwords: argon2id is made, argon2 and bcrypt are compared.

use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, PasswordHasher as _, PasswordVerifier as _, Version};

use super::{Comparison, PASSWORD_BYTES_MAX};

/// Highest cost of bcrypt that is compared: 1.1 s. Other servers use 10 to 13; a hash that claims
/// more would hold up everybody else, and is taken for no hash at all.
pub const BCRYPT_COST_MAX: u32 = 14;
/// The same of argon2: as long as bcrypt of the highest cost, and 256 MiB, the second choice of
/// libsodium for what is most in need of protection.
const ARGON2_WORK_MAX: u64 = 1 << (BCRYPT_COST_MAX - 9);
const ARGON2_KIB_MAX: u32 = 256 * 1024;

/// 19 MiB and two passes, the first choice of the OWASP password storage cheat sheet.
const KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;

/// Makes and compares hashes.
pub(super) struct Hasher {
    argon2: Argon2<'static>,
    /// Compared where there is no hash.
    dummy: String,
}

impl Hasher {
    pub(super) fn new() -> Self {
        let params = Params::new(KIB, PASSES, 1, None);
        let params = params.expect("the parameters are within the limits of argon2");
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let dummy = hash(&argon2, "").unwrap_or_default();
        Self { argon2, dummy }
    }

    pub(super) fn hash(&self, password: &str) -> Option<String> {
        hash(&self.argon2, password)
    }

    /// Without a hash it is another password, after as much work as with one of ours.
    pub(super) fn compare(&self, password: &str, hash: Option<&str>) -> Comparison {
        let Some(hash) = hash else {
            self.verify(password, &self.dummy);
            return Comparison::Different;
        };
        let (same, needs_rehash) = match bcrypt_cost(hash) {
            Some(cost) if cost > BCRYPT_COST_MAX => (false, false),
            // A longer password cannot be hashed anew, and must go on opening its account.
            Some(_) => (
                bcrypt::verify(password, hash).unwrap_or(false),
                password.len() <= PASSWORD_BYTES_MAX,
            ),
            None => (self.verify(password, hash), false),
        };
        match same {
            true => Comparison::Same { needs_rehash },
            false => Comparison::Different,
        }
    }

    fn verify(&self, password: &str, hash: &str) -> bool {
        let Ok(hash) = PasswordHash::new(hash) else {
            return false;
        };
        argon2_work(&hash).is_some()
            && self
                .argon2
                .verify_password(password.as_bytes(), &hash)
                .is_ok()
    }
}

fn hash(argon2: &Argon2<'_>, password: &str) -> Option<String> {
    let hash = argon2.hash_password(password.as_bytes()).ok()?;
    Some(hash.to_string())
}

/// How long it takes to compare this hash, in hashes of argon2id: bcrypt of cost 9 takes as long as
/// one. What is not compared takes no time, and counts as one.
pub(super) fn work(hash: &str) -> u32 {
    if let Some(cost) = bcrypt_cost(hash) {
        return match cost {
            10..=BCRYPT_COST_MAX => 1 << (cost - 9),
            _ => 1,
        };
    }
    let parsed = PasswordHash::new(hash).ok();
    parsed.and_then(|hash| argon2_work(&hash)).unwrap_or(1)
}

/// `None` if it is no hash of argon2, or takes too long or too much memory.
fn argon2_work(hash: &PasswordHash) -> Option<u32> {
    let params = Params::try_from(hash).ok()?;
    let (kib, passes) = (params.m_cost(), params.t_cost());
    let work = (u64::from(kib) * u64::from(passes)).div_ceil(u64::from(KIB * PASSES));
    if kib > ARGON2_KIB_MAX || work > ARGON2_WORK_MAX {
        return None;
    }
    u32::try_from(work.max(1)).ok()
}

/// The cost that a hash of bcrypt names; `None` if it is no such hash. `$2x$`, the mark of a faulty
/// implementation, is not among them.
fn bcrypt_cost(hash: &str) -> Option<u32> {
    let kinds = ["$2a$", "$2b$", "$2y$"];
    let rest = kinds.iter().find_map(|kind| hash.strip_prefix(kind))?;
    rest.split_once('$')?.0.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAME: Comparison = Comparison::Same {
        needs_rehash: false,
    };
    const SAME_BUT_OLD: Comparison = Comparison::Same { needs_rehash: true };

    #[test]
    fn a_password_opens_its_own_hash_only() {
        let hasher = Hasher::new();
        let hash = hasher.hash("batsignal").unwrap();
        assert!(
            hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
            "{hash}"
        );
        for (password, hash, expected) in [
            ("batsignal", Some(hash.as_str()), SAME),
            ("batsignal?", Some(&hash), Comparison::Different),
            ("batsignal", Some(""), Comparison::Different),
            ("", None, Comparison::Different),
        ] {
            assert_eq!(hasher.compare(password, hash), expected, "{password}");
        }
        assert_eq!(work(&hash), 1);
    }

    #[test]
    fn a_hash_of_bcrypt_is_compared_and_told_to_be_old() {
        let hasher = Hasher::new();
        // From the tests of jBCrypt.
        let vectors = [
            ("", "DCq7YPn5Rq63x1Lad4cll.TV4S6ytwfsfvkgY8jIucDrjc8deX1s."),
            ("a", "m0CrhHm10qJ3lXRY.5zDGO3rS2KdeeWLuGmsfGlMfOxih58VYVfxe"),
            (
                "abc",
                "If6bvum7DFjUnE9p2uDeDu0YHzrHM6tf.iqN8.yx.jNN1ILEf7h0i",
            ),
        ];
        for (password, hash) in vectors {
            for kind in ["2a", "2b", "2y"] {
                let hash = format!("${kind}$06${hash}");
                assert_eq!(hasher.compare(password, Some(&hash)), SAME_BUT_OLD);
                assert_eq!(hasher.compare("b", Some(&hash)), Comparison::Different);
            }
        }
    }

    #[test]
    fn only_the_first_72_bytes_count_for_bcrypt_and_more_are_not_hashed_anew() {
        let hasher = Hasher::new();
        let hash = bcrypt::hash("x".repeat(72), 4).unwrap();
        for (length, expected) in [(71, Comparison::Different), (72, SAME_BUT_OLD), (73, SAME)] {
            let compared = hasher.compare(&"x".repeat(length), Some(&hash));
            assert_eq!(compared, expected, "{length}");
        }
    }

    #[test]
    fn hashes_that_are_none_open_nothing() {
        let hasher = Hasher::new();
        let rest = "$If6bvum7DFjUnE9p2uDeDu0YHzrHM6tf.iqN8.yx.jNN1ILEf7h0i";
        for hash in [
            "$2a$06$",
            "$2a$",
            "$2a$06$short",
            "$2x$06$If6bvum7DFjUnE9p2uDeDu0YHzrHM6tf.iqN8.yx.jNN1ILEf7h0i",
            &format!("$2a$03{rest}"),
            &format!("$2a$15{rest}"),
            &format!("$2a$31{rest}"),
            &format!("$2a$4294967295{rest}"),
            &format!("$2a$-1{rest}"),
            &format!("$2a$6{rest}"),
            &format!("$2a$06{rest}é"),
            "plain text",
        ] {
            let compared = hasher.compare("abc", Some(hash));
            assert_eq!(compared, Comparison::Different, "{hash}");
        }
    }

    #[test]
    fn hashes_of_argon2_that_take_too_long_are_none() {
        let hasher = Hasher::new();
        let with = |kib, passes| {
            let params = Params::new(kib, passes, 1, None).unwrap();
            let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
            let small = hash(&argon2, "batsignal");
            small.unwrap()
        };
        let longest = with(64, 19_456);
        assert_eq!(work(&longest), 32);
        assert_eq!(hasher.compare("batsignal", Some(&longest)), SAME);
        let too_long = with(64, 19_457);
        assert_eq!(
            hasher.compare("batsignal", Some(&too_long)),
            Comparison::Different
        );
        let rest = longest.split_once("p=1").unwrap().1;
        let too_large = format!("$argon2id$v=19$m=262145,t=1,p=1{rest}");
        let large = too_large.replace("262145", "262144");
        let parsed = |hash: &str| PasswordHash::new(hash).unwrap();
        assert_eq!(argon2_work(&parsed(&large)), Some(7));
        assert_eq!(argon2_work(&parsed(&too_large)), None);
    }
}
