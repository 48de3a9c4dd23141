//! Beats through models: nothing lost, cycles exact, rules watched.

mod support;

use std::path::Path;

use bpa_sim::{Cache, Instance, Model, ModelSpec, Pin, StreamPort};
use support::{beats, slice};

/// One cache for all tests of this crate, within the build folder.
fn cache() -> Cache {
    Cache::new(Path::new(env!("CARGO_TARGET_TMPDIR")).join("models"))
}

fn build(spec: &ModelSpec) -> Model {
    Model::build(spec, &cache()).unwrap_or_else(|error| panic!("{error}"))
}

fn is_send<T: Send>(value: T) -> T {
    value
}

/// Sends beats and returns the cycles that it took.
fn round_trip(instance: &mut Instance, bytes: usize, stall_in: f64, stall_out: f64) -> u64 {
    let (data, last) = beats(500, bytes, 7);
    instance.source(0).set_stall(stall_in, 11);
    instance.sink(0).set_stall(stall_out, 12);
    instance.reset(3);
    instance.source(0).load(&data, &last).unwrap();
    let status = instance.run(10_000, Some(500));
    assert!(status.done);
    assert_eq!(status.cycles, instance.cycle());
    assert_eq!(instance.source(0).accepted(), 500);
    let sink = instance.sink(0);
    assert_eq!(sink.accepted(), 500);
    assert!(sink.data() == data, "{bytes} bytes: other data came out");
    assert_eq!(sink.last(), last);
    assert_eq!(sink.violations(), 0);
    status.cycles
}

#[test]
fn every_width_goes_through_with_stalls_on_both_sides() {
    for bytes in [1, 4, 8, 9, 32] {
        let model = build(&slice(bytes));
        let mut instance = is_send(model.instance(bytes as u64));
        let free = round_trip(&mut instance, bytes, 0.0, 0.0);
        assert_eq!(
            free, 502,
            "one beat a cycle, from cycle 1, one cycle on the way"
        );
        for (stall_in, stall_out) in [(0.4, 0.0), (0.0, 0.4), (0.4, 0.4)] {
            let cycles = round_trip(&mut instance, bytes, stall_in, stall_out);
            assert!((700..1500).contains(&cycles), "{cycles} cycles");
            // The same seeds give the same cycles, in one call or in many
            assert_eq!(
                round_trip(&mut instance, bytes, stall_in, stall_out),
                cycles
            );
        }
    }
}

#[test]
fn cycles_are_exact() {
    let mut instance = build(&slice(4)).instance(1);
    instance.reset(2);
    let (data, last) = beats(6, 4, 3);
    instance.source(0).load(&data, &last).unwrap();
    instance.source(0).set_start_cycle(5);
    while !instance.run(1, Some(6)).done {
        assert!(instance.cycle() < 100);
    }
    assert_eq!(instance.source(0).first_cycle(), Some(5));
    assert_eq!(instance.source(0).last_cycles(), [7, 10]);
    assert_eq!(instance.sink(0).first_cycle(), Some(6));
    assert_eq!(instance.sink(0).last_cycles(), [8, 11]);
    assert_eq!(instance.cycle(), 12);
    // `frame_done` is a register behind the beat, so it shows at the edge after it
    let done = instance.watched("frame_done").unwrap();
    assert_eq!(
        (done.cycles, done.first, done.latest),
        (1, Some(9), Some(9))
    );
    instance.run(5, None);
    let done = instance.watched("frame_done").unwrap();
    assert_eq!((done.cycles, done.latest), (2, Some(12)));
    let before = done.digest;

    // The same pulses in other cycles have another digest, and in the same ones the same
    let mut digest_of = |start: u64| {
        instance.reset(2);
        instance.source(0).load(&data, &last).unwrap();
        instance.source(0).set_start_cycle(start);
        instance.run(20, None);
        let done = instance.watched("frame_done").unwrap();
        assert_eq!(done.cycles, 2);
        done.digest
    };
    assert_eq!(digest_of(5), before);
    assert_ne!(digest_of(6), before);

    // Counts start again after a reset, and beats that were not sent are gone
    instance.source(0).load(&data, &last).unwrap();
    instance.run(2, None);
    instance.reset(1);
    assert_eq!(instance.run(20, Some(1)).cycles, 20);
    assert_eq!(
        (
            instance.source(0).accepted(),
            instance.sink(0).first_cycle()
        ),
        (0, None)
    );
    assert!(instance.sink(0).last_cycles().is_empty() && instance.sink(0).data().is_empty());

    // A beat that is there from the first edge on waits for the slice, which is not ready yet
    instance.source(0).set_start_cycle(0);
    instance.source(0).load(&data, &last).unwrap();
    instance.reset(1);
    instance.source(0).load(&data, &last).unwrap();
    assert!(instance.run(20, Some(6)).done);
    assert_eq!(instance.source(0).first_cycle(), Some(1));
    assert_eq!(instance.sink(0).data(), data);

    // With a limit, the rest stays in the model
    instance.reset(1);
    instance.sink(0).set_limit(Some(2));
    instance.source(0).load(&data, &last).unwrap();
    assert!(!instance.run(50, Some(6)).done);
    assert_eq!(
        (instance.sink(0).accepted(), instance.source(0).accepted()),
        (2, 4)
    );
    instance.sink(0).forget();
    instance.sink(0).set_limit(None);
    assert!(instance.run(50, Some(6)).done);
    assert_eq!(instance.sink(0).data(), &data[8..]);
}

#[test]
fn pins_are_read_and_written() {
    let mut instance = build(&slice(4)).instance(2);
    instance.poke("mark", 0xff_1234_5678_9abc).unwrap();
    instance.run(1, None);
    assert_eq!(instance.peek("mark_seen").unwrap(), 0x34_5678_9abc);
    assert_eq!(instance.peek("mark").unwrap(), 0x34_5678_9abc);
    assert!(instance.peek("nothing").is_err());
    assert!(instance.poke("mark_seen", 1).is_err());
    assert!(instance.watched("mark_seen").is_err());
    assert!(instance.source(0).load(&[0; 7], &[0; 2]).is_err());
}

#[test]
fn initial_values_are_random_and_follow_the_seed() {
    let model = build(&slice(4));
    let value = |seed| model.instance(seed).peek("mark_seen").unwrap();
    let values: Vec<u64> = (0..8).map(value).collect();
    for (seed, first) in values.iter().enumerate() {
        assert_eq!(value(seed as u64), *first);
        assert_eq!(
            values.iter().filter(|other| *other == first).count(),
            1,
            "{values:x?}"
        );
    }
}

#[test]
fn models_run_side_by_side_in_threads() {
    let models = [build(&slice(4)), build(&slice(9))];
    std::thread::scope(|scope| {
        for seed in 0..6 {
            let model = &models[seed % 2];
            let bytes = model.spec().sources[0].bytes;
            let mut instance = model.instance(seed as u64);
            scope.spawn(move || {
                for _ in 0..20 {
                    round_trip(&mut instance, bytes, 0.3, 0.3);
                }
            });
        }
    });
}

#[test]
fn the_monitor_sees_broken_rules() {
    // One design with a fault for each rule, chosen by a pin
    let verilog = "module bad (
    input  wire aclk,
    input  wire aresetn,
    input  wire [1:0] fault,
    output reg  [15:0] m_tdata,
    output reg  m_tvalid,
    output wire m_tlast,
    input  wire m_tready
);
    reg flip;
    assign m_tlast = fault == 2'd3 & flip;
    always @(posedge aclk)
        if (!aresetn) begin
            m_tvalid <= fault == 2'd1;
            m_tdata <= 16'd0;
            flip <= 1'b0;
        end else begin
            flip <= ~flip;
            m_tvalid <= 1'b1;
            if (m_tvalid & m_tready) m_tdata <= m_tdata + 16'd1;
            if (m_tvalid & ~m_tready & fault == 2'd2) begin
                if (m_tdata[0]) m_tvalid <= 1'b0;
                else m_tdata <= m_tdata + 16'd2;
            end
        end
endmodule
";
    let spec = ModelSpec {
        top: "bad".into(),
        verilog: verilog.into(),
        sources: vec![],
        sinks: vec![StreamPort::new("m", 2)],
        pins_in: vec![Pin::new("fault", 2)],
        pins_out: vec![],
        memory: None,
    };
    let mut instance = build(&spec).instance(3);
    instance.sink(0).set_stall(0.5, 5);
    let mut violations = |fault, cycles| {
        instance.poke("fault", fault).unwrap();
        instance.reset(2);
        instance.run(cycles, None);
        let sink = instance.sink(0);
        (sink.violations(), sink.first_violation())
    };
    assert_eq!(violations(0, 1000), (0, None));
    assert_eq!(
        violations(1, 1000),
        (1, Some(0)),
        "tvalid in the first cycle"
    );
    let (dropped, first) = violations(2, 1000);
    assert!(
        dropped > 300 && first.is_some_and(|cycle| cycle > 1),
        "{dropped} {first:?}"
    );
    let (changed, _) = violations(3, 1000);
    assert!(changed > 300, "tlast changes while a beat waits: {changed}");
}
