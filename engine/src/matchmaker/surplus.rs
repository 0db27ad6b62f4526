//! Who leaves a group that has too many.

/// The indices, in order, of the tickets that leave when a group has `surplus` players too many.
///
/// `tickets` are sizes and creation times. Among the sets of tickets that have together exactly so many
/// players, the one goes whose tickets are youngest on average: who has waited longest stays. The
/// reference server meant to do the same and removes the oldest; nobody can rely on either, as its
/// order of search is random.
pub(super) fn to_remove(tickets: &[(usize, i64)], surplus: usize) -> Option<Vec<usize>> {
    let eligible: Vec<usize> = (0..tickets.len())
        .filter(|index| tickets[*index].0 <= surplus)
        .collect();
    if eligible.iter().all(|index| tickets[*index].0 == 1) {
        return youngest(tickets, eligible, surplus);
    }
    // best[players][count] is the set of `count` tickets with so many players whose times add up to most.
    let mut best: Vec<Vec<Option<Set>>> = vec![vec![None; surplus + 1]; surplus + 1];
    best[0][0] = Some(Set::default());
    for index in eligible {
        let (size, created) = tickets[index];
        for players in (size..=surplus).rev() {
            for count in 1..=surplus {
                let Some(set) = &best[players - size][count - 1] else {
                    continue;
                };
                let total = set.total + i128::from(created);
                if best[players][count]
                    .as_ref()
                    .is_none_or(|other| total > other.total)
                {
                    let mut indices = set.indices.clone();
                    indices.push(index);
                    best[players][count] = Some(Set { total, indices });
                }
            }
        }
    }
    let sets = best.pop()?.into_iter().enumerate();
    let sets = sets.filter_map(|(count, set)| Some((i128::try_from(count).ok()?, set?)));
    let youngest = sets.max_by(|(count, set), (other_count, other)| {
        (set.total * other_count).cmp(&(other.total * count))
    });
    youngest.map(|(_, set)| set.indices)
}

#[derive(Clone, Debug, Default)]
struct Set {
    total: i128,
    indices: Vec<usize>,
}

fn youngest(
    tickets: &[(usize, i64)],
    mut eligible: Vec<usize>,
    surplus: usize,
) -> Option<Vec<usize>> {
    eligible.sort_unstable_by_key(|index| std::cmp::Reverse(tickets[*index].1));
    let mut youngest = eligible.get(..surplus)?.to_vec();
    youngest.sort_unstable();
    Some(youngest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_youngest_leave() {
        let singles = [(1, 5), (1, 9), (1, 7)];
        assert_eq!(to_remove(&singles, 1), Some(vec![1]));
        assert_eq!(to_remove(&singles, 2), Some(vec![1, 2]));
        assert_eq!(to_remove(&singles, 4), None);
    }

    #[test]
    fn whole_tickets_leave_the_youngest_on_average() {
        assert_eq!(to_remove(&[(2, 1), (1, 9), (1, 7)], 2), Some(vec![1, 2]));
        assert_eq!(to_remove(&[(2, 9), (1, 10), (1, 7)], 2), Some(vec![0]));
        assert_eq!(to_remove(&[(3, 1), (2, 2)], 1), None);
        assert_eq!(to_remove(&[(3, 1), (2, 2), (2, 3)], 4), Some(vec![1, 2]));
    }
}
