//! Which parts to merge: pure.

/// Parts of one size class that are merged together.
const MERGED_AT_ONCE: usize = 8;
/// The smallest size class.
const LEAST_BYTES: u64 = 256 * 1024;
/// Each class is so many times as large as the one below.
const CLASS_FACTOR: u64 = 8;

/// Indices of parts to merge into one, from their sizes; `None` when there are not enough of any class.
/// The merged part is at most about `bytes_max`.
pub(super) fn plan(sizes: &[u64], bytes_max: u64) -> Option<Vec<usize>> {
    let class = |size: u64| {
        let mut limit = LEAST_BYTES;
        (0u32..).find(|_| {
            let fits = size <= limit;
            limit = limit.saturating_mul(CLASS_FACTOR);
            fits
        })
    };
    let mut by_class: std::collections::BTreeMap<Option<u32>, Vec<usize>> = std::collections::BTreeMap::new();
    for (index, size) in sizes.iter().enumerate() {
        if *size <= bytes_max / 2 {
            by_class.entry(class(*size)).or_default().push(index);
        }
    }
    by_class.into_values().find_map(|indices| {
        let mut total = 0;
        let fitting: Vec<usize> = indices
            .into_iter()
            .take_while(|index| {
                total += sizes[*index];
                total <= bytes_max
            })
            .take(MERGED_AT_ONCE)
            .collect();
        (fitting.len() == MERGED_AT_ONCE || total > bytes_max && fitting.len() > 1).then_some(fitting)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn merges_eight_of_a_class() {
        assert_eq!(plan(&[1000; 7], 64 << 20), None);
        assert_eq!(plan(&[1000; 9], 64 << 20), Some((0..8).collect()));
        let mut sizes = vec![40 << 20, 3 << 20];
        sizes.extend([1000; 8]);
        assert_eq!(plan(&sizes, 64 << 20), Some((2..10).collect()));
    }

    #[test]
    fn never_makes_a_part_too_large() {
        assert_eq!(plan(&[20 << 20; 8], 64 << 20), Some(vec![0, 1, 2]));
        assert_eq!(plan(&[40 << 20; 20], 64 << 20), None);
    }

    /// However many parts come, few remain, and no byte is rewritten often.
    #[test]
    fn few_parts_remain() {
        let (mut sizes, mut rewritten) = (Vec::new(), 0u64);
        for part in 0..5000 {
            sizes.push(50_000 + part % 2);
            while let Some(merged) = plan(&sizes, 64 << 20) {
                let total: u64 = merged.iter().map(|i| sizes[*i]).sum();
                rewritten += total;
                for index in merged.into_iter().rev() {
                    sizes.remove(index);
                }
                sizes.push(total);
            }
        }
        assert!(sizes.len() < 40, "{} parts", sizes.len());
        assert!(rewritten < 5000 * 50_001 * 5, "{rewritten} bytes");
    }
}
