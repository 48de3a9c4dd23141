//! Runs that take long for want of lanes.

use indicatif::HumanCount;

use super::say;
use crate::plan::Plan;

/// Simulated cycles that take a minute or more.
const LONG: u64 = 100_000_000;
/// Lanes of each kind that are proposed; with more, a cycle of the simulation takes as much longer.
const LANES: i64 = 8;

/// Says beforehand that a run takes minutes where it is the lanes that make it so, and which would be quicker. Each cycle
/// takes `slowdown` of them.
pub(super) fn say_if_long(plan: &Plan, frames: u64, slowdown: f64) {
    if let Some(note) = note(plan, frames, slowdown) {
        say(&note);
    }
}

fn note(plan: &Plan, frames: u64, slowdown: f64) -> Option<String> {
    let cycles = |plan: &Plan| {
        let cycles = plan.layer().operation().stationary_words() + plan.cycles(frames).total;
        (cycles as f64 * slowdown) as u64
    };
    let now = cycles(plan);
    if now < LONG {
        return None;
    }
    let layer = plan.layer();
    let op = layer.operation();
    let channels = match op.depthwise {
        true => op.groups,
        false => op.result_per_group,
    };
    let mut file = layer.to_file();
    file.engine.simd = LANES.min(op.moving_per_group.into()).max(file.engine.simd);
    file.engine.pe = LANES.min(channels.into()).max(file.engine.pe);
    // Such lanes may be too many for what else the layer says; then there is nothing to propose.
    let quicker = cycles(&Plan::new(&file.validate().ok()?));
    let [simd, pe] = [file.engine.simd, file.engine.pe];
    (quicker <= now / 2).then(|| {
        format!(
            "{}: {} cycles on {} x {} lanes are minutes of simulation; --simd {simd} --pe {pe} would take {}",
            layer.name(),
            HumanCount(now),
            layer.simd(),
            layer.pe(),
            HumanCount(quicker)
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layer::LayerFile;

    fn note_of(lanes: &str, frames: u64, slowdown: f64) -> Option<String> {
        let text = format!(
            "[layer]\nin_channels = 64\nout_channels = 128\nin_size = 56\nkernel = 3\nstride = 2\npadding = 1\n\
             [engine]\n{lanes}"
        );
        let file: LayerFile = toml::from_str(&text).unwrap();
        note(&Plan::new(&file.validate().unwrap()), frames, slowdown)
    }

    #[test]
    fn lanes_that_make_a_run_long_are_told_with_what_would_be_quicker() {
        assert_eq!(
            note_of("", 3, 1.0).unwrap(),
            "bpa_engine: 169,377,936 cycles on 1 x 1 lanes are minutes of simulation; --simd 8 --pe 8 would take 2,646,563"
        );
        assert_eq!(note_of("", 1, 1.0), None);
        assert!(note_of("", 1, 2.0).is_some());
        assert_eq!(note_of("simd = 8\npe = 8", 30, 1.0), None);
        // It is not for want of lanes.
        assert_eq!(note_of("simd = 8\npe = 8", 1000, 1.0), None);
        let wide = note_of("simd = 128", 300, 1.0).unwrap();
        assert!(wide.contains("--simd 128 --pe 8 would"), "{wide}");
    }
}
