//! What is explored, against every choice of lanes there is.

use bpa_engine::explore::{Budget, Exploration, NetworkSubject, Point, Room, Subject};
use bpa_engine::layer::{Layer, LayerFile, Pass};
use bpa_engine::network::NetworkFile;
use bpa_engine::plan::Plan;
use bpa_engine::programmable::EngineFile;
use bpa_engine::synth::{estimate, Board};

const BOARD: Board = Board::Ecp5_85k;

fn file(text: &str) -> LayerFile {
    toml::from_str(text).unwrap()
}

fn room(budget: &str) -> Room {
    let budget: Budget = budget.parse().unwrap();
    Room::new(budget, BOARD, 8).unwrap()
}

/// All points of a subject, settled.
fn explored(subject: &Subject, room: Room) -> Exploration {
    let candidates = subject.candidates(&room);
    let points = candidates
        .iter()
        .filter_map(|&lanes| subject.point(lanes, BOARD));
    let mut found = Exploration {
        version: String::new(),
        name: subject.name().to_owned(),
        of: String::new(),
        target: BOARD.name().to_owned(),
        room,
        frames: subject.frames(),
        seeds: None,
        tools: Default::default(),
        shard: None,
        candidates: candidates.len() as u64,
        unfit: 0,
        beyond: 0,
        points: points.filter(|it| room.holds(it.dsps, it.brams)).collect(),
        failed: Vec::new(),
    };
    found.settle();
    found
}

/// Cycles, multipliers and block RAMs of a layer, by what `bpa estimate` is made of.
fn costs(layer: &Layer) -> [u64; 3] {
    let plan = Plan::new(layer);
    let cells = estimate(&plan, BOARD).unwrap();
    let cycles = plan.cycles(3).per_frame_steady.unwrap();
    [cycles, cells.dsps, cells.brams]
}

fn costs_of(point: &Point) -> [u64; 3] {
    [point.cycles, point.dsps, point.brams]
}

fn is_as_good(costs: [u64; 3], others: [u64; 3]) -> bool {
    costs.iter().zip(others).all(|(own, other)| *own <= other)
}

/// Of all lanes that the layer has channels for, none is better than the front, nor any of the front than another.
#[test]
fn nothing_beats_the_front() {
    for keys in [
        "in_channels = 5\nout_channels = 7\nin_size = 8\nkernel = 3\nstride = 2\npadding = 1",
        "in_channels = 6\nout_channels = 12\nin_size = 7\nkernel = 3\npadding = 1\ngroups = 6",
        "in_channels = 8\nout_channels = 4\nin_size = 6\nkernel = 2\ngroups = 2\npass = \"forward\"",
        "in_channels = 4\nout_channels = 6\nin_size = 6\nkernel = 3\npass = \"grad_weight\"\nbatch = 5",
        "in_channels = 7\nout_channels = 3\nin_size = 4\nkernel = 3\nstride = 2\nop = \"conv_transpose\"",
    ] {
        let room = room("dsps=24,brams=20");
        let file = file(&format!("[layer]\n{keys}\n"));
        let found = explored(&Subject::Layer(Box::new(file.clone()), 1), room);
        let mut all = 0;
        for simd in 1..=12 {
            for pe in 1..=12 {
                let mut file = file.clone();
                (file.engine.simd, file.engine.pe) = (simd, pe);
                let Ok(layer) = file.validate() else {
                    continue;
                };
                let own = costs(&layer);
                if room.holds(own[1], own[2]) {
                    all += 1;
                    let as_good = found.front().any(|it| is_as_good(costs_of(it), own));
                    assert!(as_good, "{keys}: {simd} x {pe}, {own:?}");
                }
            }
        }
        assert!(found.points.len() < all, "{keys}: some lanes are not tried");
        for point in found.front() {
            let mut file = file.clone();
            (file.engine.simd, file.engine.pe) = (point.simd.into(), point.pe.into());
            assert_eq!(costs_of(point), costs(&file.validate().unwrap()), "{keys}");
            assert!(room.holds(point.dsps, point.brams) && point.cycles >= point.bound_cycles);
            let beats = |other: &&Point| {
                costs_of(other) != costs_of(point) && is_as_good(costs_of(other), costs_of(point))
            };
            assert_eq!(found.points.iter().find(beats), None, "{keys}");
        }
    }
}

/// Two lanes of a multiplier take half as many, and PE is even.
#[test]
fn packed_multipliers_count_as_one_for_two() {
    let file = file(
        "[layer]\nin_channels = 6\nout_channels = 3\nin_size = 6\nkernel = 2\n[engine]\npacked_multipliers = true\n\
         pe = 2\n",
    );
    let subject = Subject::Layer(Box::new(file), 1);
    let room = Room {
        dsps: Some(9),
        brams: None,
    };
    let lanes = subject.candidates(&room);
    assert!(
        lanes.iter().any(|it| (it.simd, it.pe) == (3, 6)),
        "{lanes:?}"
    );
    for lanes in lanes {
        let point = subject.point(lanes, Board::XilinxXc7).unwrap();
        assert_eq!(2 * point.dsps, point.multiplications());
    }
}

/// A network's point is the sum over its layers on the engine with these lanes, whose memories are no larger.
#[test]
fn a_network_s_cycles_are_those_of_its_layers() {
    let text = include_str!("../examples/engines/training.toml");
    let engine = EngineFile::parse(text, "engine").unwrap();
    let layer = |name: &str, out_channels: u32| {
        format!(
            "[[layer]]\nname = \"{name}\"\nconv = {{ in_channels = 16, out_channels = {out_channels}, in_size = 6, \
             kernel = 3, padding = 1 }}\n"
        )
    };
    // Two of them are alike.
    let layers = [layer("a", 24), layer("b", 16), layer("c", 16)].concat();
    let text = format!(
        "name = \"n\"\nframes = 2\npasses = [\"forward\", \"grad_input\", \"grad_weight\"]\n{layers}"
    );
    let network = NetworkFile::parse(&text, "network").unwrap();
    let valid = engine.validate().unwrap();
    let network = network.validate(&valid).unwrap();
    let subject = Subject::Network(Box::new(NetworkSubject::new(&network, &valid)));
    let found = explored(&subject, room("dsps=16"));
    assert!(found.front().count() > 4);
    for (lanes, weight_words) in [
        ([8, 2], 4096),
        ([4, 4], 4096),
        ([5, 3], 4096),
        ([1, 1], 65_536),
    ] {
        let point = found.points.iter().find(|it| [it.simd, it.pe] == lanes);
        let point = point.unwrap_or_else(|| panic!("{lanes:?} is not among them"));
        let mut engine = engine.clone();
        (engine.engine.simd, engine.engine.pe) = (lanes[0].into(), lanes[1].into());
        engine.limits.weight_words = weight_words;
        engine.limits.line_words = 2048 * 8 / i64::from(lanes[0]);
        let engine = engine.validate().unwrap();
        let cycles = network.tasks().into_iter().map(|task| {
            let layer = network.steps()[task.step].tiling(task.pass).layer();
            let frames = network.frames_of(task) as u64;
            let layer = engine.layer(layer.to_file().layer).unwrap();
            engine.tiling(&layer, frames).unwrap().cycles(frames)
        });
        assert_eq!(point.cycles, cycles.sum::<u64>(), "{lanes:?}");
    }
}

/// Stretches of rows are memory as well: with fewer lanes they have more beats, and layers are cut no smaller for that.
#[test]
fn with_fewer_lanes_a_stretch_has_more_beats() {
    let text = include_str!("../examples/engines/training.toml");
    let mut engine = EngineFile::parse(text, "engine").unwrap();
    engine.engine.pixels = 2;
    // Two rows of columns' phases, of two blocks of channels each.
    engine.limits.stretch_beats = Some(4);
    let text = "name = \"n\"\nframes = 1\npasses = [\"grad_input\"]\n[[layer]]\nname = \"a\"\nconv = { in_channels = 16, \
                out_channels = 16, in_size = 12, kernel = 3, stride = 2, padding = 1 }\n";
    let network = NetworkFile::parse(text, "network").unwrap();
    let valid = engine.validate().unwrap();
    let network = network.validate(&valid).unwrap();
    let subject = Subject::Network(Box::new(NetworkSubject::new(&network, &valid)));
    let room = Room {
        dsps: Some(16),
        brams: None,
    };
    for (simd, pe) in [(8, 1), (1, 8), (1, 1)] {
        let mut lanes = subject.candidates(&room).into_iter();
        let lanes = lanes.find(|it| (it.simd, it.pe) == (simd, pe)).unwrap();
        let point = subject.point(lanes, Board::Ecp5_85k).unwrap();
        let mut wide = engine.clone();
        (wide.engine.simd, wide.engine.pe) = (simd.into(), pe.into());
        wide.limits.stretch_beats = Some(64);
        wide.limits.weight_words = 1024 * 64 / i64::from(simd * pe);
        wide.limits.line_words = 2048 * 8 / i64::from(simd);
        let wide = wide.validate().unwrap();
        let layer = network.steps()[0].tiling(Pass::GradInput).layer().to_file();
        let tiling = wide.tiling(&wide.layer(layer.layer).unwrap(), 1).unwrap();
        assert_eq!(point.cycles, tiling.cycles(1), "{simd} x {pe}");
    }
}

/// Where a layer has few channels, lanes over pixels are what more multipliers are used by.
#[test]
fn lanes_over_pixels_are_tried_up_to_the_most() {
    let file = file(
        "[layer]\nin_channels = 1\nout_channels = 3\nin_size = [6, 20]\nkernel = 3\nstride = 2\npadding = 1\n",
    );
    let room = Room {
        dsps: Some(12),
        brams: None,
    };
    let of = |most: u32| Subject::Layer(Box::new(file.clone()), most).candidates(&room);
    assert!(of(1).iter().all(|lanes| lanes.pixels == 1));
    // Ten columns of a phase: of 6 to 9 lanes none saves a word that 5 do not.
    let mut pixels: Vec<u32> = of(8).iter().map(|lanes| lanes.pixels).collect();
    pixels.sort_unstable();
    pixels.dedup();
    assert_eq!(pixels, [1, 2, 3, 4, 5]);
    let subject = Subject::Layer(Box::new(file.clone()), 8);
    let fewest = |lanes: Vec<_>| {
        let points = lanes.into_iter().map(|lanes| {
            let point = subject.point(lanes, Board::Ecp5_85k).unwrap();
            (point.cycles, point.dsps)
        });
        points.min().unwrap()
    };
    let [(without, _), (with, dsps)] = [fewest(of(1)), fewest(of(8))];
    assert!(dsps <= 12 && 3 * with < without, "{with} and {without}");
}
