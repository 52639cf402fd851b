//! Values in ascending order, of which any can be removed.

use super::visits;

/// How many removed values may stay in place, however few others there are.
const SPARE: usize = 32;

/// Values by a key that ascends. How many there are after a key takes logarithmic time, whatever
/// was removed before.
pub(super) struct Counted<K, T> {
    /// `None`: removed. They are at most half of all, and [`SPARE`] more.
    slots: Vec<(K, Option<T>)>,
    /// A Fenwick tree: the node `n`, counted from 1, is the number of values in the slots from
    /// `n` without its lowest bit up to `n`.
    tree: Vec<usize>,
    len: usize,
}

impl<K: Copy + Ord, T> Counted<K, T> {
    pub(super) const fn new() -> Self {
        Self { slots: Vec::new(), tree: Vec::new(), len: 0 }
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Adds a value after all others.
    pub(super) fn push(&mut self, key: K, value: T) {
        let node = self.tree.len() + 1;
        let (mut child, mut count) = (node - 1, 1);
        while child > without_lowest_bit(node) {
            count += self.tree[child - 1];
            child = without_lowest_bit(child);
        }
        self.slots.push((key, Some(value)));
        self.tree.push(count);
        self.len += 1;
    }

    pub(super) fn remove(&mut self, key: &K) -> Option<T> {
        let index = self.slots.binary_search_by_key(key, |(key, _)| *key).ok()?;
        let value = self.slots[index].1.take()?;
        let mut node = index + 1;
        while let Some(count) = self.tree.get_mut(node - 1) {
            *count -= 1;
            node += node & node.wrapping_neg();
        }
        self.len -= 1;
        // Once it is empty, keys may begin anew.
        if self.slots.len() > 2 * self.len + SPARE || self.len == 0 {
            self.compact();
        }
        Some(value)
    }

    fn compact(&mut self) {
        self.slots.retain(|(_, value)| value.is_some());
        self.tree.clear();
        self.tree.extend((1..=self.len).map(|node| node - without_lowest_bit(node)));
        let most = 4 * (self.len + SPARE);
        self.slots.shrink_to(most.min(self.slots.capacity()));
        self.tree.shrink_to(most.min(self.tree.capacity()));
    }

    pub(super) fn get_mut(&mut self, key: &K) -> Option<&mut T> {
        let index = self.slots.binary_search_by_key(key, |(key, _)| *key).ok()?;
        self.slots[index].1.as_mut()
    }

    /// How many values there are after a key.
    pub(super) fn count_after(&self, is_up_to: impl Fn(&K) -> bool) -> usize {
        self.len - self.count_up_to(is_up_to)
    }

    /// The first value after a key.
    pub(super) fn first_after(&self, is_up_to: impl Fn(&K) -> bool) -> Option<(K, &T)> {
        self.nth(self.count_up_to(is_up_to))
    }

    /// The last value up to a key.
    pub(super) fn last_up_to(&self, is_up_to: impl Fn(&K) -> bool) -> Option<(K, &T)> {
        self.nth(self.count_up_to(is_up_to).checked_sub(1)?)
    }

    pub(super) fn first(&self) -> Option<(K, &T)> {
        self.nth(0)
    }

    pub(super) fn last(&self) -> Option<(K, &T)> {
        self.nth(self.len.checked_sub(1)?)
    }

    /// The value with this many others before it.
    fn nth(&self, n: usize) -> Option<(K, &T)> {
        if n >= self.len {
            return None;
        }
        let (mut node, mut before) = (0, n);
        let mut step = self.tree.len().checked_ilog2().map_or(0, |bit| 1 << bit);
        while step > 0 {
            if let Some(count) = self.tree.get(node + step - 1).filter(|count| **count <= before) {
                before -= count;
                node += step;
            }
            step /= 2;
        }
        visits::count();
        let (key, value) = self.slots.get(node)?;
        Some((*key, value.as_ref()?))
    }

    fn count_up_to(&self, is_up_to: impl Fn(&K) -> bool) -> usize {
        let (mut node, mut count) = (self.index_after(is_up_to), 0);
        while node > 0 {
            count += self.tree[node - 1];
            node = without_lowest_bit(node);
        }
        count
    }

    fn index_after(&self, is_up_to: impl Fn(&K) -> bool) -> usize {
        self.slots.partition_point(|(key, _)| {
            visits::count();
            is_up_to(key)
        })
    }
}

const fn without_lowest_bit(node: usize) -> usize {
    node & (node - 1)
}

// The suites of loom and shuttle have no proptest.
#[cfg(all(test, not(any(loom, shuttle))))]
mod tests {
    use std::{cell::Cell, collections::BTreeMap};

    use proptest::{collection::vec, prelude::*};

    use super::Counted;

    #[test]
    fn a_search_compares_logarithmically_many_keys_whatever_was_removed() {
        const KEYS: u64 = 100_000;
        for kept in [1, 2, 1_000] {
            let mut counted = Counted::new();
            (0..KEYS).for_each(|key| counted.push(key, ()));
            (0..KEYS).filter(|key| key % kept != 0).for_each(|key| {
                counted.remove(&key);
            });
            for at in (0..KEYS).step_by(997) {
                let compared = Cell::new(0);
                let is_up_to = |key: &u64| {
                    compared.set(compared.get() + 1);
                    *key <= at
                };
                assert_eq!(counted.count_after(is_up_to), ((KEYS - 1) / kept - at / kept) as usize);
                counted.first_after(is_up_to);
                counted.last_up_to(is_up_to);
                assert!(compared.get() <= 3 * (KEYS.ilog2() + 2), "{kept} {at}: {compared:?}");
            }
        }
    }

    proptest! {
        #[test]
        fn it_is_a_map_that_counts(steps in vec((any::<bool>(), 0..40_u64), 0..400)) {
            let (mut counted, mut map) = (Counted::new(), BTreeMap::new());
            let mut newest = 0;
            for (push, number) in steps {
                if push {
                    newest += 1 + number % 3;
                    counted.push(newest, newest);
                    map.insert(newest, newest);
                } else if let Some(key) = map.keys().nth(number as usize % map.len().max(1)) {
                    let key = *key;
                    prop_assert_eq!(counted.remove(&key), map.remove(&key));
                }
                prop_assert!(counted.slots.len() <= 2 * map.len() + super::SPARE + 1);
                prop_assert_eq!(counted.len(), map.len());
                prop_assert_eq!(counted.first().map(|(key, _)| key), map.keys().next().copied());
                prop_assert_eq!(counted.last().map(|(key, _)| key), map.keys().last().copied());
                for at in newest.saturating_sub(50)..newest + 2 {
                    let after = map.range(at + 1..);
                    prop_assert_eq!(counted.count_after(|key| *key <= at), after.clone().count());
                    let first = counted.first_after(|key| *key <= at).map(|(key, _)| key);
                    prop_assert_eq!(first, after.map(|(key, _)| *key).next());
                    let last = counted.last_up_to(|key| *key <= at).map(|(key, _)| key);
                    prop_assert_eq!(last, map.range(..=at).map(|(key, _)| *key).next_back());
                }
            }
        }
    }
}
