//! The files that trials name, as far as they are at hand.

use std::collections::BTreeMap;
use std::sync::Arc;

/// Files by content hash, up to a number of bytes; what was least recently asked for goes first.
pub struct Cache {
    most_bytes: usize,
    bytes: usize,
    turn: u64,
    /// Each with the turn of its last use.
    files: BTreeMap<String, (u64, Arc<[u8]>)>,
}

impl Cache {
    /// An empty one.
    pub fn new(most_bytes: usize) -> Cache {
        Cache { most_bytes, bytes: 0, turn: 0, files: BTreeMap::new() }
    }

    /// The file of this hash, where it is at hand.
    pub fn get(&mut self, hash: &str) -> Option<Arc<[u8]>> {
        self.turn += 1;
        let (used, file) = self.files.get_mut(hash)?;
        *used = self.turn;
        Some(Arc::clone(file))
    }

    /// Keeps a file. One that alone is too large is not kept.
    pub fn insert(&mut self, hash: &str, file: Arc<[u8]>) {
        self.turn += 1;
        self.bytes += file.len();
        if let Some((_, before)) = self.files.insert(hash.to_owned(), (self.turn, file)) {
            self.bytes -= before.len();
        }
        while self.bytes > self.most_bytes {
            // Few files: a scan costs nothing beside a transfer.
            let Some(oldest) = self.files.iter().min_by_key(|(_, (used, _))| *used).map(|(hash, _)| hash.clone())
            else {
                break;
            };
            self.bytes -= self.files.remove(&oldest).map_or(0, |(_, file)| file.len());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_least_recently_used_goes_first() {
        let mut cache = Cache::new(10);
        let file = |bytes: usize| Arc::from(vec![7u8; bytes]);
        let held = |cache: &Cache| cache.files.keys().cloned().collect::<String>();
        cache.insert("a", file(4));
        cache.insert("b", file(4));
        assert_eq!(cache.get("a").map(|a| a.len()), Some(4));
        cache.insert("c", file(4));
        assert_eq!((held(&cache).as_str(), cache.bytes), ("ac", 8));
        // The same again takes no more room.
        cache.insert("c", file(4));
        assert_eq!((held(&cache).as_str(), cache.bytes), ("ac", 8));
        // One that needs all of it, and one that does not fit at all.
        cache.insert("d", file(10));
        assert_eq!((held(&cache).as_str(), cache.bytes), ("d", 10));
        cache.insert("e", file(11));
        assert_eq!((held(&cache).as_str(), cache.bytes), ("", 0));
    }
}
