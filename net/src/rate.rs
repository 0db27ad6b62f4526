//! How often something may happen.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use crate::config::Limits;

/// So often on average, and so often at once after a quiet time.
///
/// All that has to be kept of the past is one moment: when everything that was taken is made up for (the generic
/// cell rate algorithm, ITU-T I.371).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rate {
    interval: Duration,
    room: Duration,
}

impl Rate {
    /// None if it is 0 a second, which stands for no limit.
    pub(crate) fn new(per_second: u32, burst: u32) -> Option<Self> {
        let interval = Duration::from_secs(1).checked_div(per_second)?;
        Some(Self {
            interval,
            room: interval.saturating_mul(burst.max(1)),
        })
    }

    /// Takes one in any case. Returns how long whoever takes it has to wait first.
    pub(crate) fn take(self, made_up_at: &mut Instant, now: Instant) -> Duration {
        *made_up_at = (*made_up_at).max(now) + self.interval;
        (*made_up_at - now).saturating_sub(self.room)
    }

    /// Takes one if it need not be waited for.
    pub(crate) fn try_take(self, made_up_at: &mut Instant, now: Instant) -> bool {
        let mut after = *made_up_at;
        let free = self.take(&mut after, now).is_zero();
        if free {
            *made_up_at = after;
        }
        free
    }
}

/// How often something may come from one address.
#[derive(Debug)]
pub struct AddressRate {
    rate: Option<Rate>,
    counts_loopback: bool,
    /// When everything is made up for that came from there.
    addresses: Mutex<HashMap<IpAddr, Instant>>,
}

/// Addresses that are remembered: some 3 MB.
const ADDRESSES_MAX: usize = 65_536;

impl AddressRate {
    /// How often somebody may log in, rightly or wrongly.
    #[must_use]
    pub fn of_logins(limits: &Limits) -> Self {
        let (rate, burst) = (
            limits.authentications_per_second,
            limits.authentications_burst,
        );
        Self::new(rate, burst, limits.loopback)
    }

    /// How often somebody may open a socket.
    pub(crate) fn of_arrivals(limits: &Limits) -> Self {
        let (rate, burst) = (limits.connections_per_second, limits.connections_burst);
        Self::new(rate, burst, limits.loopback)
    }

    /// With 0 a second there is no limit. From the own machine come load tests, and proxies that speak for
    /// everybody; it is only counted where that is wanted.
    fn new(per_second: u32, burst: u32, counts_loopback: bool) -> Self {
        Self {
            rate: Rate::new(per_second, burst),
            counts_loopback,
            addresses: Mutex::default(),
        }
    }

    /// Whether one more may come from this client, which is counted then.
    ///
    /// `client` is what it says of itself by way of the proxies that are believed, `peer` where its packets come
    /// from: whoever claims to be of this machine has to come from it.
    pub(crate) fn try_take(&self, client: Option<IpAddr>, peer: IpAddr, now: Instant) -> bool {
        let Some(rate) = self.rate else {
            return true;
        };
        let claimed = client.filter(|client| !client.to_canonical().is_loopback());
        let address = claimed.unwrap_or(peer).to_canonical();
        if address.is_loopback() && !self.counts_loopback {
            return true;
        }
        let addresses = self.addresses.lock();
        let mut addresses = addresses.unwrap_or_else(PoisonError::into_inner);
        if addresses.len() >= ADDRESSES_MAX {
            forget(&mut addresses, now);
        }
        rate.try_take(addresses.entry(household(address)).or_insert(now), now)
    }
}

/// Forgets the addresses that have everything made up for, and if those are few, the quarter that is nearest to
/// it: those of attackers who keep changing their addresses are among them, those of attackers who insist are not.
fn forget(addresses: &mut HashMap<IpAddr, Instant>, now: Instant) {
    let mut moments: Vec<Instant> = addresses.values().copied().collect();
    let quarter = moments.len() / 4;
    let (_, limit, _) = moments.select_nth_unstable(quarter);
    let limit = (*limit).max(now);
    addresses.retain(|_, made_up_at| *made_up_at > limit);
}

/// The addresses that are counted as one: a whole /64 of IPv6 belongs to one customer.
pub(crate) fn household(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn later(now: Instant, milliseconds: u64) -> Instant {
        now + Duration::from_millis(milliseconds)
    }

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn after_a_burst_there_is_one_an_interval() {
        let now = Instant::now();
        let rate = Rate::new(10, 3).unwrap();
        let mut made_up_at = now;
        let waits: Vec<u128> = (0..5)
            .map(|_| rate.take(&mut made_up_at, now).as_millis())
            .collect();
        assert_eq!(waits, [0, 0, 0, 100, 200]);
    }

    #[test]
    fn what_is_refused_is_not_counted() {
        let now = Instant::now();
        let rate = Rate::new(10, 2).unwrap();
        let mut made_up_at = now;
        let taken: Vec<bool> = [0, 0, 0, 50, 99, 100, 101, 400, 400, 400]
            .into_iter()
            .map(|at| rate.try_take(&mut made_up_at, later(now, at)))
            .collect();
        let expected = [
            true, true, false, false, false, true, false, true, true, false,
        ];
        assert_eq!(taken, expected);
    }

    #[test]
    fn no_rate_is_no_limit() {
        assert!(Rate::new(0, 5).is_none());
        let free = AddressRate::new(0, 5, true);
        let now = Instant::now();
        assert!((0..1000).all(|_| free.try_take(None, address("192.0.2.1"), now)));
    }

    #[test]
    fn a_household_is_counted_as_one_and_others_apart() {
        let limited = AddressRate::new(1, 2, false);
        let now = Instant::now();
        let take = |text| limited.try_take(None, address(text), now);
        assert!(take("2001:db8::1") && take("2001:db8::2:3:4:5"));
        assert!(!take("2001:db8::6"), "of the same /64");
        assert!(take("2001:db8:0:1::1"), "of another");
        assert!(take("192.0.2.1") && take("::ffff:192.0.2.1") && !take("192.0.2.1"));
    }

    #[test]
    fn a_client_behind_a_proxy_is_counted_by_its_own_address() {
        let limited = AddressRate::new(1, 1, false);
        let (now, proxy) = (Instant::now(), address("198.51.100.1"));
        let take = |client: &str, peer| limited.try_take(Some(address(client)), peer, now);
        assert!(take("192.0.2.1", proxy) && take("192.0.2.2", proxy));
        assert!(!take("192.0.2.1", proxy));
        let own = address("127.0.0.1");
        assert!(take("127.0.0.1", own) && take("127.0.0.1", own));
        assert!(take("127.0.0.1", proxy), "counted as the proxy itself");
        assert!(!take("127.0.0.1", proxy), "which is not of this machine");
    }

    #[test]
    fn addresses_without_number_take_no_memory_without_number() {
        let limited = AddressRate::new(1, 1, false);
        let now = Instant::now();
        for number in 0..3 * u32::try_from(ADDRESSES_MAX).unwrap() {
            limited.try_take(None, std::net::Ipv4Addr::from(number << 4).into(), now);
        }
        let kept = limited.addresses.lock().unwrap().len();
        assert!(kept <= ADDRESSES_MAX, "{kept}");
    }
}
