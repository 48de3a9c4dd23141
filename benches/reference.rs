//! How long the software reference takes for a frame: `cargo bench --bench reference`.

use bpa_engine::bench::LAYERS;
use bpa_engine::bound::useful_macs;
use bpa_engine::layer::Layer;
use bpa_engine::layer_list;
use bpa_engine::reference::gather;
use bpa_engine::vectors::{random_moving, random_stationary};
use criterion::{criterion_group, criterion_main, Criterion, Throughput};

fn reference(criterion: &mut Criterion) {
    let files = layer_list::parse(LAYERS, "list").expect("the list is valid");
    let layers = files.iter().map(|file| file.validate().expect("valid"));
    let mut layers: Vec<Layer> = layers.collect();
    layers.sort_by_key(useful_macs);

    let mut group = criterion.benchmark_group("reference");
    group.sample_size(10);
    for layer in &layers {
        let grad_output = random_moving(layer, 1, 0);
        let weight = random_stationary(layer, 0);
        group.throughput(Throughput::Elements(useful_macs(layer)));
        group.bench_function(layer.name(), |bencher| {
            bencher.iter(|| gather(layer, &grad_output, &weight));
        });
    }
    group.finish();
}

criterion_group!(benches, reference);
criterion_main!(benches);
