//! Games on a few players, given on all subsets: exact Shapley values by enumeration.

/// Shapley values of a game with `m` players; `v[s]` is the worth of the players whose bits are set in `s`.
pub fn shapley(m: usize, v: &[f64]) -> Vec<f64> {
    let mut factorial = vec![1.0; m + 1];
    for i in 1..=m {
        factorial[i] = factorial[i - 1] * i as f64;
    }
    (0..m)
        .map(|i| {
            (0..1usize << m)
                .filter(|s| s >> i & 1 == 0)
                .map(|s| {
                    let k = s.count_ones() as usize;
                    factorial[k] * factorial[m - k - 1] / factorial[m] * (v[s | 1 << i] - v[s])
                })
                .sum()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_glove_game() {
        // One left glove (player 0), two right gloves: a pair is worth 1.
        let v: Vec<f64> = (0..8).map(|s| f64::from(u8::from(s & 1 == 1 && s & 6 != 0))).collect();
        let phi = shapley(3, &v);
        for (x, y) in phi.iter().zip([2.0 / 3.0, 1.0 / 6.0, 1.0 / 6.0]) {
            assert!((x - y).abs() < 1e-12, "{phi:?}");
        }
    }
}
