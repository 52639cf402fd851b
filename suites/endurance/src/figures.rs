/// The quantile of unsorted values.
pub(crate) fn quantile<T: Copy + PartialOrd + Default>(values: &mut [T], share: f64) -> T {
    values.sort_by(|a, b| a.partial_cmp(b).unwrap_or(std::cmp::Ordering::Equal));
    let index = (values.len().saturating_sub(1)) as f64 * share;
    values.get(index.round() as usize).copied().unwrap_or_default()
}

pub(crate) fn median<T: Copy + PartialOrd + Default>(values: &mut [T]) -> T {
    quantile(values, 0.5)
}

pub(crate) fn mib(kib: u64) -> f64 {
    kib as f64 / 1_024.0
}
