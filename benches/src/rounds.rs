//! Variants measured in turns, so that what the machine does meanwhile befalls all of them alike.

use std::fmt::{self, Display};

/// A figure, as each round had it.
pub struct Samples {
    rounds: Vec<f64>,
}

/// Runs every variant once in each round, beginning with another one each time. One more round
/// goes before, unrecorded.
pub fn in_turns<T, const N: usize>(
    rounds: usize,
    variants: [&mut dyn FnMut() -> T; N],
) -> [Vec<T>; N] {
    let mut samples = [const { Vec::new() }; N];
    for round in 0..=rounds {
        for turn in 0..N {
            let variant = (round + turn) % N;
            let sample = variants[variant]();
            if round > 0 {
                samples[variant].push(sample);
            }
        }
    }
    samples
}

impl FromIterator<f64> for Samples {
    fn from_iter<I: IntoIterator<Item = f64>>(samples: I) -> Self {
        let rounds = samples.into_iter().collect();
        Self { rounds }
    }
}

impl Samples {
    /// Of each round, how this variant compares with another one in the same round.
    pub fn over(&self, baseline: &Self) -> Self {
        let pairs = self.rounds.iter().zip(&baseline.rounds);
        pairs.map(|(mine, theirs)| mine / theirs).collect()
    }

    pub fn median(&self) -> f64 {
        self.quantile(0.5)
    }

    fn quantile(&self, part: f64) -> f64 {
        let mut sorted = self.rounds.clone();
        sorted.sort_by(f64::total_cmp);
        sorted[((sorted.len() - 1) as f64 * part).round() as usize]
    }
}

/// The median, and the tenth and ninetieth percentiles.
impl Display for Samples {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = f.precision().unwrap_or(3);
        let [low, high] = [0.1, 0.9].map(|part| self.quantile(part));
        let median = self.median();
        write!(f, "{median:.digits$} ({low:.digits$} - {high:.digits$})")
    }
}
