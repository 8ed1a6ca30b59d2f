//! Tails of the negative binomial distribution in its form for counts: mean μ and variance μ + κμ² (NB2; Cameron and
//! Trivedi, *Regression Analysis of Count Data*, 2013, §3.3). κ = 0 is the Poisson distribution.

/// Below this, κ makes no difference to any count that we meet.
const POISSON: f64 = 1e-9;
/// Terms that are added up at most; where it ends the rest is far below what anybody asks about.
const TERMS: u32 = 100_000;

/// Probability of `count` or more.
pub fn at_least(count: u64, mean: f64, kappa: f64) -> f64 {
    if count == 0 {
        return 1.0;
    }
    if mean <= 0.0 {
        return 0.0;
    }
    let start = count as f64;
    if start <= mean {
        // Nobody asks for more than "not unusual" on this side; what is below is summed exactly.
        return (1.0 - at_most(count - 1, mean, kappa)).clamp(0.0, 1.0);
    }
    let (mut term, mut sum, mut y) = (mass(start, mean, kappa), 0.0, start);
    for _ in 0..TERMS {
        sum += term;
        let next = term * step(y, mean, kappa);
        if next < sum * 1e-12 {
            break;
        }
        (term, y) = (next, y + 1.0);
    }
    sum.clamp(0.0, 1.0)
}

/// Probability of `count` or fewer.
pub fn at_most(count: u64, mean: f64, kappa: f64) -> f64 {
    if mean <= 0.0 {
        return 1.0;
    }
    if count as f64 > mean {
        return (1.0 - at_least(count + 1, mean, kappa)).clamp(0.0, 1.0);
    }
    let (mut y, mut sum) = (count as f64, 0.0);
    let mut term = mass(y, mean, kappa);
    // Downwards from `count`: the largest terms come first where that matters.
    for _ in 0..TERMS {
        sum += term;
        if y < 1.0 {
            break;
        }
        y -= 1.0;
        let up = step(y, mean, kappa);
        if up <= 0.0 {
            break;
        }
        term /= up;
        if term < sum * 1e-12 {
            break;
        }
    }
    sum.clamp(0.0, 1.0)
}

/// P(y + 1) / P(y).
fn step(y: f64, mean: f64, kappa: f64) -> f64 {
    if kappa < POISSON { mean / (y + 1.0) } else { (1.0 + kappa * y) * mean / ((y + 1.0) * (1.0 + kappa * mean)) }
}

fn mass(y: f64, mean: f64, kappa: f64) -> f64 {
    let ln = if kappa < POISSON {
        y * mean.ln() - mean - ln_gamma(y + 1.0)
    } else {
        let r = 1.0 / kappa;
        ln_gamma(y + r) - ln_gamma(r) - ln_gamma(y + 1.0) - r * (kappa * mean).ln_1p()
            + y * ((kappa * mean).ln() - (kappa * mean).ln_1p())
    };
    ln.exp()
}

/// ln Γ(x) for x > 0: Stirling's series (NIST DLMF 5.11.1) from 10 on, the recurrence (5.5.1) below.
fn ln_gamma(x: f64) -> f64 {
    let (mut x, mut shift) = (x, 0.0);
    while x < 10.0 {
        shift += x.ln();
        x += 1.0;
    }
    let inverse = 1.0 / x;
    let square = inverse * inverse;
    let series = inverse * (1.0 / 12.0 - square * (1.0 / 360.0 - square * (1.0 / 1260.0 - square / 1680.0)));
    (x - 0.5) * x.ln() - x + 0.5 * (2.0 * std::f64::consts::PI).ln() + series - shift
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(a: f64, b: f64) {
        assert!((a - b).abs() <= 1e-9 * b.abs().max(1e-300), "{a} {b}");
    }

    #[test]
    fn the_gamma_function_is_right_where_it_is_known() {
        near(ln_gamma(1.0) + 1.0, 1.0);
        near(ln_gamma(11.0), 3_628_800_f64.ln());
        near(ln_gamma(0.5), std::f64::consts::PI.sqrt().ln());
    }

    #[test]
    fn small_poisson_tails_are_those_of_the_sum() {
        // 1 − e⁻²(1 + 2 + 2 + 4/3) by hand.
        near(at_least(4, 2.0, 0.0), 1.0 - (-2.0_f64).exp() * (1.0 + 2.0 + 2.0 + 4.0 / 3.0));
        near(at_most(0, 7.0, 0.0), (-7.0_f64).exp());
        // NB with κ = 1 is geometric: P(Y ≥ n) = (μ/(1+μ))ⁿ.
        near(at_least(5, 3.0, 1.0), 0.75_f64.powi(5));
        near(at_most(4, 3.0, 1.0), 1.0 - 0.75_f64.powi(5));
    }

    #[test]
    fn both_tails_make_a_whole_and_more_spread_means_more_in_them() {
        for (mean, kappa) in [(0.3, 0.0), (5.0, 0.2), (400.0, 0.05), (9_000.0, 0.0)] {
            for count in [1, 2, 5, 9, 380, 450, 9_000, 9_400] {
                let sum = at_least(count, mean, kappa) + at_most(count - 1, mean, kappa);
                assert!((sum - 1.0).abs() < 1e-6, "{mean} {kappa} {count}: {sum}");
            }
        }
        assert!(at_least(40, 10.0, 0.5) > 100.0 * at_least(40, 10.0, 0.0));
        assert_eq!((at_least(0, 3.0, 0.1), at_least(3, 0.0, 0.1), at_most(3, 0.0, 0.1)), (1.0, 0.0, 1.0));
    }
}
