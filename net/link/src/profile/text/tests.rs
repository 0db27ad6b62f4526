use proptest::prelude::*;

use super::*;

fn parse(text: &str) -> Result<Profile, String> {
    text.parse()
        .map_err(|error: ProfileError| error.to_string())
}

#[test]
fn every_key_is_read() {
    let text = "delay=30ms,jitter=5ms,loss=5%,burst=3,reorder=1%,hold=1.5s,duplicate=0.25%,\
                rate=1mbit,queue=32kb,seed=7";
    let profile = Profile {
        delay: Duration::from_millis(30),
        jitter: Duration::from_millis(5),
        loss: Share::percent(5),
        burst: NonZeroU32::new(3).unwrap(),
        reorder: Share::percent(1),
        hold: Duration::from_millis(1_500),
        duplicate: Share::per_million(2_500),
        rate: NonZeroU64::new(125_000),
        queue: 32_000,
        seed: 7,
    };
    assert_eq!(parse(text), Ok(profile));
    assert_eq!(profile.to_string(), text);
}

#[test]
fn presets_go_by_name_and_can_be_changed() {
    for (name, preset) in PRESETS {
        assert_eq!(parse(name), Ok(preset()));
        assert_eq!(parse(&preset().to_string()), Ok(preset()), "{name}");
    }
    let lossy = Profile {
        loss: Share::percent(5),
        ..Profile::mobile()
    };
    assert_eq!(parse(" mobile, loss=5% "), Ok(lossy));
    assert_eq!(Profile::default().to_string(), "delay=0ns");
}

#[test]
fn readme_has_the_presets_and_keys_as_they_are() {
    let readme = include_str!("../../../README.md");
    for (name, preset) in PRESETS {
        let row = format!("| `{name}` | `{}` |", preset());
        assert!(readme.contains(&row), "{row}");
    }
    for field in &FIELDS {
        let row = format!("| `{}` |", field.key);
        assert!(readme.contains(&row), "{row}");
    }
}

#[test]
fn errors_name_the_bad_part() {
    let cases = [
        (
            "",
            "`` is no preset; there are lan, broadband, mobile, bad_wifi",
        ),
        (
            "5g",
            "`5g` is no preset; there are lan, broadband, mobile, bad_wifi",
        ),
        ("loss=5%,mobile", "the preset `mobile` must come first"),
        (
            "lan,lag=5ms",
            "`lag` is no key; there are delay, jitter, loss, burst, reorder, hold, duplicate, \
             rate, queue, seed",
        ),
        ("loss=5%,loss=6%", "`loss` is given twice"),
        ("loss=5", "`loss=5` is no value, write it like `loss=5%`"),
        (
            "delay=30",
            "`delay=30` is no value, write it like `delay=30ms`",
        ),
        (
            "loss=100.1%",
            "`loss=100.1%` is out of range, which is 0% to 100%",
        ),
        (
            "delay=11s",
            "`delay=11s` is out of range, which is 0ns to 10s",
        ),
        (
            "rate=1bit",
            "`rate=1bit` is out of range, which is 1kbit to 100gbit",
        ),
        ("burst=0", "`burst=0` is out of range, which is 1 to 1000"),
        ("seed=-1", "`seed=-1` is no value, write it like `seed=7`"),
    ];
    for (text, error) in cases {
        assert_eq!(parse(text), Err(error.to_owned()), "{text}");
    }
}

proptest! {
    #[test]
    fn what_is_printed_reads_back(
        (delay, jitter, hold) in (0..=10_000_000_000_u64, 0..=10_000_000_000_u64, 0..=10_000_000_000_u64),
        (loss, reorder, duplicate) in (0..=1_000_000_u32, 0..=1_000_000_u32, 0..=1_000_000_u32),
        burst in 1..=1_000_u32,
        rate in proptest::option::of(125..=12_500_000_000_u64),
        queue in 0..=100_000_000_u64,
        seed: u64,
    ) {
        let profile = Profile {
            delay: Duration::from_nanos(delay),
            jitter: Duration::from_nanos(jitter),
            loss: Share::per_million(loss),
            burst: NonZeroU32::new(burst).unwrap(),
            reorder: Share::per_million(reorder),
            hold: Duration::from_nanos(hold),
            duplicate: Share::per_million(duplicate),
            rate: rate.and_then(NonZeroU64::new),
            queue,
            seed,
        };
        prop_assert_eq!(parse(&profile.to_string()), Ok(profile));
    }

    #[test]
    fn no_text_panics_the_parser(text in "[a-z_]{0,9}(=[0-9.]{0,30}[a-z%]{0,5})?(,[a-z]{0,9}=.{0,30})*") {
        let _read_or_refused = parse(&text);
    }
}
