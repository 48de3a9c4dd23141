//! Promise: jobs never mix: each part of the engine is told the numbers of the job whose turn it is there, whatever is
//! written, started and aborted meanwhile.

use bpa_hdl::config::inputs::{Config, Turn, Used};
use bpa_hdl::primitives::paged_memory::{number, LoadBus, ReadBy};
use bpa_hdl::primitives::target::Target;
use bpa_hdl::rtl::Module;
use bpa_hdl::shell::job_table::JobTable;
use bpa_hdl::shell::jobs::jobs;

use crate::prover::{Broken, Design, Proof};

const BROKEN: &[Broken] = &[
    (
        "what is told when frames are taken, told at once",
        "told_taken_q <= told_taken_d;",
        "told_taken_q <= next_q ? cfg_known : told_taken_d;",
    ),
    (
        "a job that takes over while another runs",
        "(job_over_q | ~running_q)",
        "1'd1",
    ),
];

#[test]
fn never_mix() {
    let mut config = Config::default();
    let mut m = Module::new("core", "");
    let _ = config.port(&mut m, "done", 1, |_| 0, "told when the job before is done");
    config.in_turn(Turn::Taken, |config| {
        let _ = config.port(&mut m, "taken", 1, |_| 0, "told when frames are taken");
    });
    config.in_turn(Turn::Known, |config| {
        let _ = config.port(&mut m, "known", 1, |_| 0, "told at once");
    });
    let mut bus = LoadBus::declare(&mut m, &mut config, 1);
    let address = m.net("address", 1, "");
    bus.memory(
        &mut m,
        &mut config,
        "memory",
        vec![number("word", 2, "a number", |_, _| 0)],
        (&[0, 1], Used::Always(2), &address),
        ReadBy::Address,
    );
    let table = JobTable::new(config);
    let module = jobs("jobs", &table, Target::Generic);
    let [_, column_bits] = table.index_bits();
    let field = |name: &str| {
        let mut fields = table.fields();
        let field = fields.find(|field| field.port.port == name).unwrap();
        (field.word, field.low.to_string())
    };
    let [known, taken, done] = ["cfg_known", "cfg_taken", "cfg_done"].map(field);
    assert!(known.0 == taken.0 && taken.0 == done.0, "one word");
    Proof {
        block: "jobs",
        promise: "each part is told its own job's numbers; one runs at a time",
        design: &Design::from(&module),
        constants: vec![],
        given: &["table_word", "table_strobe", "table_data", "all_taken"],
        rules: "`include \"jobs.sv\"",
        defines: vec![
            ("WORD", ((known.0 + 1) << column_bits).to_string()),
            ("STROBE", table.memories()[0].strobe.clone()),
            ("KNOWN", known.1),
            ("TAKEN", taken.1),
            ("DONE", done.1),
        ],
        broken: BROKEN,
    }
    .check();
}
