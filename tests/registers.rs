//! Promise: a register map says one thing in all its forms. The bank does what the map has it do, on a bus with any
//! delays; the C header compiles and has the same numbers; the page and the SystemRDL file name every register and field.

#[path = "engine/three_tools.rs"]
mod three_tools;

use std::process::Command;

use bpa_hdl::registers::map::{bank, Field, Kind, Register, RegisterMap};
use bpa_hdl::rtl::print_verilog;
use bpa_sim::{AxiLite, Cache, Delays, Instance, Model, ModelSpec, Pin, Response, StreamPort};
use three_tools::clean_for_three_tools;

const BUS: &str = "s_axi";

fn field(name: &str, low: usize, width: usize, value: u32) -> Field {
    Field {
        name: name.to_owned(),
        low,
        width,
        value,
        doc: format!("what {name} means"),
    }
}

fn register(name: &str, offset: u64, kind: Kind, fields: Vec<Field>) -> Register {
    Register {
        name: name.to_owned(),
        offset,
        kind,
        doc: format!("what {name} is for"),
        fields,
        series: None,
    }
}

/// A register of each kind, fields across the borders of bytes, a hole, and a table of three words.
fn map() -> RegisterMap {
    let events = || vec![field("done", 0, 1, 0), field("causes", 6, 6, 0)];
    let word = |name, offset, most| {
        register(
            name,
            offset,
            Kind::Table { most },
            vec![field("value", 0, 12, 0)],
        )
    };
    let counter = |name, offset, word| {
        register(
            name,
            offset,
            Kind::Counter { word },
            vec![field("count", 0, 32, 0)],
        )
    };
    RegisterMap::new(
        "demo",
        "Registers to test with.",
        vec![
            register(
                "id",
                0x0,
                Kind::Constant,
                vec![field("word", 0, 32, 0x1234_5678)],
            ),
            register(
                "state",
                0x4,
                Kind::Status,
                vec![field("busy", 0, 1, 0), field("count", 4, 10, 0)],
            ),
            register(
                "setup",
                0x8,
                Kind::Control,
                vec![field("mode", 0, 2, 3), field("level", 5, 20, 0x12345)],
            ),
            register("enable", 0x10, Kind::Control, events()),
            register("events", 0x14, Kind::Event { enable: Some(0x10) }, events()),
            register(
                "command",
                0x18,
                Kind::Command,
                vec![field("go", 0, 1, 0), field("stop", 9, 1, 0)],
            ),
            counter("low", 0x20, 0),
            counter("high", 0x24, 1),
            word("first", 0x40, 4095),
            word("second", 0x44, 99),
            word("third", 0x48, 7),
        ],
    )
}

/// The bank with its pins, and the stream that the bridge wants.
fn verilog() -> String {
    let bank = print_verilog(&bank("demo", &map()));
    let ports = bank.split_once(");").unwrap().0.split_once('(').unwrap().1;
    let names: Vec<String> = ports
        .lines()
        .filter_map(|line| {
            line.split("//")
                .next()?
                .trim()
                .trim_end_matches(',')
                .split(' ')
                .next_back()
                .map(str::to_owned)
        })
        .filter(|name| !name.is_empty())
        .map(|name| match name.as_str() {
            "count" => ".count(told)".to_owned(),
            _ => format!(".{name}({name})"),
        })
        .collect();
    format!(
        "{bank}\nmodule bench (\n  output wire none_tvalid, input wire none_tready, output wire [7:0] none_tdata,
          output wire none_tlast,\n{ports});
          // Counters take four cycles to tell a word.
          reg [2:0] asked;\n  reg [31:0] told;
          always @(posedge aclk) begin\n asked <= {{asked[1:0], counter_read}};
          if (asked[2]) told <= count + {{31'd0, counter}};\n end
          assign none_tvalid = 1'b0;\n assign none_tdata = 8'd0;\n assign none_tlast = none_tready;
          demo_registers bank ({});\nendmodule\n",
        names.join(", ")
    )
}

fn instance() -> Instance {
    let map = map();
    let (mut pins_in, mut pins_out) = AxiLite::pins(BUS, map.address_bits());
    for (name, bits) in [
        ("state_busy", 1),
        ("state_count", 10),
        ("events_done_set", 1),
        ("events_causes_set", 6),
        ("table_locked", 1),
        ("count", 32),
    ] {
        pins_in.push(Pin::new(name, bits));
    }
    for (name, bits) in [
        ("setup_mode", 2),
        ("setup_level", 20),
        ("irq", 1),
        ("table_word", 2),
        ("table_data", 32),
        ("table_strobe", 4),
        ("counter", 1),
        ("counter_read", 1),
    ] {
        pins_out.push(Pin::new(name, bits));
    }
    for name in ["command_go", "command_stop", "table_write"] {
        pins_out.push(Pin::new(name, 1).watched());
    }
    let spec = ModelSpec {
        top: "bench".to_owned(),
        verilog: verilog(),
        sources: vec![],
        sinks: vec![StreamPort::new("none", 1)],
        pins_in,
        pins_out,
        memory: None,
    };
    let mut instance = Model::build(&spec, &Cache::from_env().unwrap())
        .unwrap()
        .instance(1);
    instance.reset(2);
    instance
}

/// Accesses with some delays of the master.
struct Bus {
    instance: Instance,
    delays: Delays,
}

impl Bus {
    fn master(&mut self) -> AxiLite<'_> {
        let mut master = AxiLite::new(&mut self.instance, BUS);
        master.delays = self.delays;
        master
    }

    fn read(&mut self, address: u64) -> Response {
        self.master().read(address).unwrap()
    }

    fn write(&mut self, address: u64, data: u32, strobe: u8) -> Response {
        self.master().write(address, data, strobe).unwrap()
    }

    fn poke(&mut self, pin: &str, value: u64) {
        self.instance.poke(pin, value).unwrap();
    }

    fn peek(&self, pin: &str) -> u64 {
        self.instance.peek(pin).unwrap()
    }

    fn pulses(&self, pin: &str) -> u64 {
        self.instance.watched(pin).unwrap().cycles
    }

    /// A pulse of one cycle on an input.
    fn pulse(&mut self, pin: &str, value: u64) {
        self.poke(pin, value);
        self.instance.run(1, None);
        self.poke(pin, 0);
    }
}

const WRITTEN: Response = Response::Okay(0);

/// Runs `test` with the channels in every order, and responses taken at once and late.
fn on_any_bus(test: impl Fn(&mut Bus)) {
    for (address, data, response) in [(0, 0, 0), (3, 0, 2), (0, 4, 1), (1, 2, 5)] {
        let delays = Delays {
            address,
            data,
            response,
        };
        test(&mut Bus {
            instance: instance(),
            delays,
        });
    }
}

#[test]
fn reads_say_what_the_map_says() {
    on_any_bus(|bus| {
        assert_eq!(bus.read(0x0), Response::Okay(0x1234_5678));
        assert_eq!(
            bus.read(0x3),
            Response::Okay(0x1234_5678),
            "low bits of an address do not count"
        );
        bus.poke("state_busy", 1);
        bus.poke("state_count", 0x2a5);
        assert_eq!(bus.read(0x4), Response::Okay(0x2a51));
        assert_eq!(bus.read(0x8), Response::Okay(3 | 0x12345 << 5));
        assert_eq!(bus.read(0x18), Response::Okay(0), "a command reads as zero");
    });
}

#[test]
fn a_counter_is_read_when_it_is_up_to_date() {
    on_any_bus(|bus| {
        for count in [7, 0xffff_fff0, 0] {
            bus.poke("count", u64::from(count));
            assert_eq!(bus.read(0x20), Response::Okay(count));
            assert_eq!(bus.read(0x24), Response::Okay(count + 1));
        }
        assert_eq!(bus.write(0x20, 0, 15), Response::Refused);
    });
}

#[test]
fn writes_change_the_bytes_that_are_strobed() {
    on_any_bus(|bus| {
        for strobe in 0..16_u8 {
            bus.write(0x8, 0, 15);
            assert_eq!(bus.read(0x8), Response::Okay(0));
            assert_eq!(bus.write(0x8, u32::MAX, strobe), WRITTEN);
            let bytes = (0..4).filter(|byte| strobe >> byte & 1 == 1);
            let mask = bytes.fold(0_u32, |mask, byte| mask | 0xff << (8 * byte));
            let expected = mask & (3 | 0xf_ffff << 5);
            assert_eq!(
                bus.read(0x8),
                Response::Okay(expected),
                "strobe {strobe:04b}"
            );
            assert_eq!(bus.peek("setup_mode"), u64::from(expected & 3));
            assert_eq!(bus.peek("setup_level"), u64::from(expected >> 5));
        }
    });
}

#[test]
fn what_is_not_there_is_refused_and_changes_nothing() {
    on_any_bus(|bus| {
        for address in [0x0, 0x4, 0xc, 0x1c, 0x3c, 0x4c, 0x7c] {
            assert_eq!(
                bus.write(address, u32::MAX, 15),
                Response::Refused,
                "{address:#x}"
            );
        }
        for address in [0xc, 0x1c, 0x3c, 0x40, 0x44, 0x48, 0x4c, 0x7c] {
            assert_eq!(bus.read(address), Response::Refused, "{address:#x}");
        }
        assert_eq!(bus.read(0x8), Response::Okay(3 | 0x12345 << 5));
        assert_eq!(bus.pulses("table_write"), 0);
        assert_eq!(bus.pulses("command_go"), 0);
    });
}

#[test]
fn a_command_is_one_pulse() {
    on_any_bus(|bus| {
        assert_eq!(bus.write(0x18, 0x201, 0b0001), WRITTEN);
        assert_eq!(
            (bus.pulses("command_go"), bus.pulses("command_stop")),
            (1, 0)
        );
        assert_eq!(bus.write(0x18, 0x200, 0b0010), WRITTEN);
        assert_eq!(
            (bus.pulses("command_go"), bus.pulses("command_stop")),
            (1, 1)
        );
    });
}

#[test]
fn events_stay_until_a_one_clears_them_and_raise_the_interrupt() {
    on_any_bus(|bus| {
        bus.pulse("events_causes_set", 0b10_0001);
        assert_eq!(bus.read(0x14), Response::Okay(0b10_0001 << 6));
        assert_eq!(bus.peek("irq"), 0, "nothing is enabled");
        bus.write(0x10, 1 << 11, 15);
        bus.instance.run(2, None);
        assert_eq!(bus.peek("irq"), 1);
        bus.write(0x14, 1 << 6, 15);
        assert_eq!(bus.read(0x14), Response::Okay(1 << 11));
        bus.write(0x14, 1 << 11, 0b0001);
        assert_eq!(
            bus.read(0x14),
            Response::Okay(1 << 11),
            "its byte was not strobed"
        );
        bus.write(0x14, 1 << 11, 0b0010);
        bus.instance.run(2, None);
        assert_eq!((bus.read(0x14), bus.peek("irq")), (Response::Okay(0), 0));
        // Set in every cycle, so in that of the write too.
        bus.poke("events_done_set", 1);
        bus.write(0x14, 1, 15);
        bus.poke("events_done_set", 0);
        assert_eq!(
            bus.read(0x14),
            Response::Okay(1),
            "a pulse wins over the write"
        );
    });
}

#[test]
fn the_table_is_handed_on_unless_it_is_locked() {
    on_any_bus(|bus| {
        assert_eq!(bus.write(0x44, 0xabcd, 0b0110), WRITTEN);
        assert_eq!(bus.pulses("table_write"), 1);
        assert_eq!(bus.peek("table_word"), 1);
        assert_eq!(bus.peek("table_data"), 0xabcd);
        assert_eq!(bus.peek("table_strobe"), 0b0110);
        bus.poke("table_locked", 1);
        assert_eq!(bus.write(0x48, 1, 15), Response::Refused);
        assert_eq!(bus.pulses("table_write"), 1);
    });
}

#[test]
fn the_text_is_clean_for_three_tools() {
    clean_for_three_tools("demo_registers", &print_verilog(&bank("demo", &map())));
}

/// The header in a program that states what the map says.
#[test]
fn the_c_header_has_the_numbers_of_the_map() {
    let map = map();
    let mut program = map.c_header() + &map.c_header() + "int main(void) { return 1";
    for register in map.registers() {
        let name = format!("DEMO_{}", register.name.to_uppercase());
        program += &format!("\n && {name} == {}", register.offset);
        for field in &register.fields {
            let name = format!("{name}_{}", field.name.to_uppercase());
            let mask = ((1_u64 << field.width) - 1) << field.low;
            program += &format!(
                "\n && {name}_SHIFT == {} && {name}_MASK == {mask}u",
                field.low
            );
        }
    }
    program += "\n && DEMO_ID_WORD_VALUE == 0x12345678u && DEMO_SECOND_MOST == 99 ? 0 : 1; }\n";
    let folder = tempfile::tempdir().unwrap();
    let (source, binary) = (folder.path().join("demo.c"), folder.path().join("demo"));
    std::fs::write(&source, program).unwrap();
    for language in [["-xc", "-std=c99"], ["-xc++", "-std=c++11"]] {
        let compiler = std::env::var("CXX").unwrap_or_else(|_| "g++".to_owned());
        let mut words = compiler.split_whitespace();
        let output = Command::new(words.next().unwrap())
            .args(words)
            .args(language)
            .args(["-Wall", "-Wextra", "-Wpedantic", "-Werror", "-o"])
            .args([&binary, &source])
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        assert!(
            Command::new(&binary).status().unwrap().success(),
            "a number differs"
        );
    }
}

#[test]
fn the_systemrdl_lists_every_register_and_field() {
    insta::assert_snapshot!(map().systemrdl(), @r###"
        addrmap demo {
          desc = "Registers to test with.";
          default regwidth = 32;
          default accesswidth = 32;

          reg {
            desc = "what id is for";
            field { sw = r; hw = na; desc = "what word means"; } \word[31:0] = 32'h12345678;
          } \id @ 0x0;

          reg {
            desc = "what state is for";
            field { sw = r; hw = w; desc = "what busy means"; } \busy[0:0];
            field { sw = r; hw = w; desc = "what count means"; } \count[13:4];
          } \state @ 0x4;

          reg {
            desc = "what setup is for";
            field { sw = rw; hw = r; desc = "what mode means"; } \mode[1:0] = 2'h3;
            field { sw = rw; hw = r; desc = "what level means"; } \level[24:5] = 20'h12345;
          } \setup @ 0x8;

          reg {
            desc = "what enable is for";
            field { sw = rw; hw = r; desc = "what done means"; } \done[0:0] = 1'h0;
            field { sw = rw; hw = r; desc = "what causes means"; } \causes[11:6] = 6'h0;
          } \enable @ 0x10;

          reg {
            desc = "what events is for";
            field { sw = rw; hw = w; onwrite = woclr; desc = "what done means"; } \done[0:0] = 1'h0;
            field { sw = rw; hw = w; onwrite = woclr; desc = "what causes means"; } \causes[11:6] = 6'h0;
          } \events @ 0x14;

          reg {
            desc = "what command is for";
            field { sw = w; hw = r; singlepulse; desc = "what go means"; } \go[0:0] = 1'h0;
            field { sw = w; hw = r; singlepulse; desc = "what stop means"; } \stop[9:9] = 1'h0;
          } \command @ 0x18;

          reg {
            desc = "what low is for";
            field { sw = r; hw = w; desc = "what count means"; } \count[31:0];
          } \low @ 0x20;

          reg {
            desc = "what high is for";
            field { sw = r; hw = w; desc = "what count means"; } \count[31:0];
          } \high @ 0x24;

          reg {
            desc = "what first is for";
            field { sw = w; hw = r; desc = "what value means"; } \value[11:0];
          } \first @ 0x40;

          reg {
            desc = "what second is for";
            field { sw = w; hw = r; desc = "what value means"; } \value[11:0];
          } \second @ 0x44;

          reg {
            desc = "what third is for";
            field { sw = w; hw = r; desc = "what value means"; } \value[11:0];
          } \third @ 0x48;
        };
    "###);
}

#[test]
fn the_page_lists_every_register_and_field() {
    insta::assert_snapshot!(map().markdown(), @r###"
        # Registers of demo

        Registers to test with.

        Every register is 32 bits wide; offsets are in bytes. Bits of no field read as zero and are not written. What the table
        does not allow is answered by SLVERR.

        | offset | register | access | at first | |
        |---|---|---|---|---|
        | 0x000 | `id` | read | 0x12345678 | what id is for |
        | | 31:0 | `word` | | what word means |
        | 0x004 | `state` | read | - | what state is for |
        | | 0 | `busy` | | what busy means |
        | | 13:4 | `count` | | what count means |
        | 0x008 | `setup` | read, write | 0x2468A3 | what setup is for |
        | | 1:0 | `mode` | | what mode means |
        | | 24:5 | `level` | | what level means |
        | 0x010 | `enable` | read, write | 0x0 | what enable is for |
        | | 0 | `done` | | what done means |
        | | 11:6 | `causes` | | what causes means |
        | 0x014 | `events` | read, write 1 to clear | 0x0 | what events is for |
        | | 0 | `done` | | what done means |
        | | 11:6 | `causes` | | what causes means |
        | 0x018 | `command` | write 1 to act | 0x0 | what command is for |
        | | 0 | `go` | | what go means |
        | | 9 | `stop` | | what stop means |
        | 0x020 | `low` | read | - | what low is for |
        | | 31:0 | `count` | | what count means |
        | 0x024 | `high` | read | - | what high is for |
        | | 31:0 | `count` | | what count means |
        | 0x040 | `first` | write | - | what first is for; at most 4095 |
        | | 11:0 | `value` | | what value means |
        | 0x044 | `second` | write | - | what second is for; at most 99 |
        | | 11:0 | `value` | | what value means |
        | 0x048 | `third` | write | - | what third is for; at most 7 |
        | | 11:0 | `value` | | what value means |
    "###);
}
