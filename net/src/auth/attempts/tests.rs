use proptest::prelude::*;

use super::*;

/// Seconds since some moment.
fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_795_253_282 + seconds).unwrap()
}

fn guess<'a>(client: &str, account: &'a str) -> Guess<'a> {
    Guess {
        client: client.parse().ok(),
        peer: None,
        account,
    }
}

/// How many wrong guesses are let through at a moment, of the first hundred.
fn failures(attempts: &LoginAttempts, guess: Guess<'_>, seconds: i64) -> usize {
    let tries = (0..100).map(|_| attempts.charge(guess, at(seconds)));
    tries.filter(Result::is_ok).count()
}

#[test]
fn five_wrong_passwords_a_minute_and_then_ever_longer_waits() {
    let attempts = LoginAttempts::new(5);
    let alice = guess("192.0.2.1", "alice");
    assert_eq!(failures(&attempts, alice, 0), 5);
    for (seconds, expected) in [
        (11, 0),
        (12, 1),
        (35, 0),
        (36, 1),
        (83, 0),
        (84, 1),
        (179, 0),
        (180, 1),
    ] {
        assert_eq!(failures(&attempts, alice, seconds), expected, "{seconds}");
    }
    // The longest wait is 64 times 12 s, after six doublings.
    let mut time = 180;
    for wait in [192, 384, 768, 768, 768] {
        time += wait;
        assert_eq!(failures(&attempts, alice, time - 1), 0, "{time}");
        assert_eq!(failures(&attempts, alice, time), 1, "{time}");
    }
    assert_eq!(
        failures(&attempts, alice, time + 60 + 768),
        5,
        "left alone long enough, it is forgotten"
    );
}

#[test]
fn other_accounts_and_other_addresses_are_not_held_up() {
    let attempts = LoginAttempts::new(5);
    assert_eq!(failures(&attempts, guess("192.0.2.1", "alice"), 0), 5);
    assert_eq!(failures(&attempts, guess("192.0.2.1", "bob"), 0), 5);
    assert_eq!(failures(&attempts, guess("192.0.2.2", "alice"), 0), 5);
    assert_eq!(failures(&attempts, guess("nowhere", "alice"), 0), 5);
    assert_eq!(
        failures(&attempts, guess("127.0.0.1", "alice"), 0),
        5,
        "our own machine is an address like others"
    );
}

#[test]
fn an_address_has_thirty_for_all_accounts() {
    let attempts = LoginAttempts::new(5);
    let accounts: Vec<_> = (0..50).map(|number| number.to_string()).collect();
    let let_through = |client: &str, seconds| {
        let tries = accounts
            .iter()
            .map(|account| attempts.charge(guess(client, account), at(seconds)));
        tries.filter(Result::is_ok).count()
    };
    assert_eq!(let_through("2001:db8::1", 0), 30);
    assert_eq!(let_through("2001:db8::2", 0), 0, "the same network");
    assert_eq!(let_through("2001:db8:0:1::1", 0), 30, "another one");
    assert_eq!(let_through("::ffff:192.0.2.1", 0), 30);
    assert_eq!(let_through("192.0.2.1", 0), 0, "the same in IPv4");
    assert_eq!(let_through("192.0.2.1", 2), 1);
    assert_eq!(let_through("192.0.2.1", 4), 0, "its delay grows as well");
}

#[test]
fn made_up_addresses_do_not_help() {
    let attempts = LoginAttempts::new(5);
    let tries = (0..200).map(|number| {
        let client = format!("198.51.100.{number}");
        attempts.charge(guess(&client, "alice"), at(0))
    });
    assert_eq!(tries.filter(Result::is_ok).count(), 50);
    assert_eq!(failures(&attempts, guess("192.0.2.1", "alice"), 60), 5);
}

#[test]
fn whoever_claims_the_address_of_others_locks_nobody_out() {
    let attempts = LoginAttempts::new(5);
    let through = |peer: &str| Guess {
        peer: peer.parse().ok(),
        ..guess("192.0.2.1", "alice")
    };
    assert_eq!(failures(&attempts, through("198.51.100.1"), 0), 5);
    assert_eq!(failures(&attempts, through("192.0.2.1"), 0), 5);
    assert_eq!(failures(&attempts, through("198.51.100.1"), 0), 0);
}

#[test]
fn right_passwords_cost_nothing() {
    let attempts = LoginAttempts::new(5);
    let alice = guess("192.0.2.1", "alice");
    for _ in 0..1000 {
        let charge = attempts.charge(alice, at(0)).unwrap();
        attempts.refund(charge);
    }
    assert_eq!(failures(&attempts, alice, 0), 5);
    for _ in 0..1000 {
        let charge = attempts.charge(alice, at(12)).unwrap();
        attempts.refund(charge);
    }
    assert_eq!(failures(&attempts, alice, 12), 1);
    assert_eq!(
        failures(&attempts, alice, 36),
        1,
        "nor do they make others cost more"
    );
}

#[test]
fn nothing_is_limited_if_the_operator_says_so() {
    let attempts = LoginAttempts::new(0);
    assert_eq!(failures(&attempts, guess("192.0.2.1", "alice"), 0), 100);
    assert!(attempts.buckets().is_empty());
}

#[test]
fn a_clock_that_is_set_back_locks_nobody_out() {
    let attempts = LoginAttempts::new(5);
    let alice = guess("192.0.2.1", "alice");
    assert_eq!(failures(&attempts, alice, 1_000_000), 5);
    assert!(failures(&attempts, alice, 0) > 0);
}

#[test]
fn those_who_insist_are_remembered_longest() {
    let attempts = LoginAttempts::new(5);
    let insistent = guess("192.0.2.1", "alice");
    assert_eq!(failures(&attempts, insistent, 0), 5);
    for number in 0..200_000_u32 {
        let client = std::net::Ipv4Addr::from_bits(0x0a00_0000 + number).to_string();
        let account = number.to_string();
        drop(attempts.charge(guess(&client, &account), at(0)).unwrap());
        if number % 1000 == 0 {
            assert!(attempts.buckets().len() <= BUCKETS_MAX);
        }
    }
    assert_eq!(failures(&attempts, insistent, 0), 0);
}

proptest! {
    #[test]
    fn no_more_than_the_limit_and_the_burst(
        per_minute in 1_u32..200_000,
        waits in prop::collection::vec(0_i64..120, 0..60),
    ) {
        let attempts = LoginAttempts::new(per_minute);
        let mut time = 0;
        let mut let_through = 0;
        for wait in waits {
            time += wait;
            let charged = attempts.charge(guess("192.0.2.1", "alice"), at(time));
            let_through += i64::from(charged.is_ok());
        }
        let per_minute = i64::from(per_minute);
        prop_assert!(let_through <= per_minute + per_minute * time / 60 + 1);
    }
}
