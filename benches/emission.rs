//! How long the Verilog of a layer takes, its cost model and buffer sizes included: `cargo bench --bench emission`.

use bpa_engine::bench::LAYERS;
use bpa_engine::emit;
use bpa_engine::layer_list;
use bpa_engine::plan::Plan;
use criterion::{criterion_group, criterion_main, Criterion};

fn emission(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("emission");
    group.sample_size(10);
    for file in layer_list::parse(LAYERS, "list").expect("the list is valid") {
        let layer = file.validate().expect("the layers are valid");
        group.bench_function(layer.name(), |bencher| {
            bencher.iter(|| emit::verilog(&Plan::new(&layer)));
        });
    }
    group.finish();
}

criterion_group!(benches, emission);
criterion_main!(benches);
