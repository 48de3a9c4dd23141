//! The layer over rust-hdl: what blocks say in Rust is what the printed Verilog says, and what would not mean the same
//! everywhere is refused when a block is built.

use std::panic::{catch_unwind, AssertUnwindSafe};

use bpa_hdl::rtl::{bits_for, lit, print_verilog, Body, Expr, Module};

/// A module around one combinational process on the nets that the closure declares.
fn printed(build: impl FnOnce(&mut Module)) -> String {
    let mut m = Module::new("block", "What it promises.");
    m.clocked();
    build(&mut m);
    print_verilog(&m)
}

/// The text of `target = value`, of the widths given for inputs a, b and c.
fn assigned(widths: [usize; 3], value: impl FnOnce(&Expr, &Expr, &Expr) -> Expr) -> String {
    let text = printed(|m| {
        let a = m.input("a", widths[0], "");
        let b = m.input("b", widths[1], "");
        let c = m.input("c", widths[2], "");
        let value = value(&a, &b, &c);
        let target = m.output("target", value.width(), "");
        m.assign(&target, &value);
    });
    let line = text
        .lines()
        .find_map(|line| line.trim().strip_prefix("assign target = "));
    line.unwrap().trim_end_matches(';').to_owned()
}

/// The message of the panic that `build` ends in.
fn refused(build: impl FnOnce()) -> String {
    let panic = catch_unwind(AssertUnwindSafe(build)).expect_err("this has to be refused");
    match panic.downcast::<String>() {
        Ok(text) => *text,
        Err(panic) => panic.downcast::<&str>().unwrap().to_string(),
    }
}

#[test]
fn extensions_state_every_bit() {
    assert_eq!(assigned([4, 1, 1], |a, _, _| a.zext(7)), "{3'd0, a}");
    assert_eq!(assigned([4, 1, 1], |a, _, _| a.zext(4)), "a");
    assert_eq!(assigned([4, 1, 1], |a, _, _| a.sext(7)), "{{3{a[3]}}, a}");
    assert_eq!(assigned([4, 1, 1], |a, _, _| a.sext(4)), "a");
    // One bit is its own sign.
    assert_eq!(assigned([1, 1, 1], |a, _, _| a.sext(3)), "{3{a}}");
    assert_eq!(assigned([1, 1, 1], |a, _, _| a.zext(3)), "{2'd0, a}");
    assert_eq!(
        assigned([8, 1, 1], |a, _, _| a.slice(2, 3).sext(5)),
        "{{2{a[4]}}, a[4:2]}"
    );
    assert_eq!(
        assigned([8, 1, 1], |a, _, _| a.bit(6).zext(4)),
        "{3'd0, a[6]}"
    );
    assert_eq!(assigned([8, 1, 1], |a, b, _| a.gated(b)), "a & {8{b}}");
}

#[test]
fn slices_name_their_bits() {
    assert_eq!(assigned([8, 1, 1], |a, _, _| a.slice(0, 8)), "a");
    assert_eq!(assigned([8, 1, 1], |a, _, _| a.slice(3, 4)), "a[6:3]");
    assert_eq!(assigned([8, 1, 1], |a, _, _| a.slice(3, 1)), "a[3]");
    assert_eq!(assigned([8, 1, 1], |a, _, _| a.msb()), "a[7]");
    assert_eq!(assigned([1, 1, 1], |a, _, _| a.msb()), "a");
}

#[test]
fn constants_have_their_width() {
    assert_eq!(assigned([4, 1, 1], |a, _, _| a.plus(9)), "a + 4'd9");
    assert_eq!(assigned([4, 1, 1], |a, _, _| a.minus(1)), "a - 4'd1");
    assert_eq!(assigned([1, 1, 1], |_, _, _| lit(1, 1)), "1'd1");
    assert_eq!(
        assigned([1, 1, 1], |_, _, _| lit(u64::MAX, 64)),
        "64'hffffffffffffffff"
    );
    assert_eq!(assigned([4, 1, 1], |a, _, _| a.is_zero()), "a == 4'd0");
    assert_eq!(assigned([4, 1, 1], |a, _, _| a.non_zero()), "a != 4'd0");
    assert_eq!(assigned([1, 1, 1], |a, _, _| a.is_zero()), "~a");
    assert_eq!(assigned([1, 1, 1], |a, _, _| a.non_zero()), "a");
}

/// Parentheses are there where the order of evaluation needs them, whatever Verilog's precedences are.
#[test]
fn operators_group_as_in_rust() {
    let same = [4, 4, 4];
    assert_eq!(assigned(same, |a, b, c| &(a + b) - c), "a + b - c");
    assert_eq!(assigned(same, |a, b, c| a - &(b - c)), "a - (b - c)");
    assert_eq!(assigned(same, |a, b, c| &(a & b) | c), "(a & b) | c");
    assert_eq!(assigned(same, |a, b, c| a & &(b | c)), "a & (b | c)");
    assert_eq!(assigned(same, |a, b, c| &(a | b) | c), "a | b | c");
    assert_eq!(assigned(same, |a, b, c| &(a ^ b) & c), "(a ^ b) & c");
    assert_eq!(assigned(same, |a, b, c| !&(&(a + b) ^ c)), "~((a + b) ^ c)");
    assert_eq!(assigned(same, |a, b, _| !a & b), "~a & b");
    assert_eq!(assigned(same, |a, b, c| (a + b).eq(c)), "(a + b) == c");
    assert_eq!(
        assigned(same, |a, b, c| &a.eq(b) & &b.ge(c)),
        "(a == b) & (b >= c)"
    );
    assert_eq!(assigned(same, |a, b, _| (a & b).any()), "|(a & b)");
}

/// Statements of a combinational process with a register, as lines without their indent.
fn statements(build: impl FnOnce(&mut Body, &Expr, &Expr, &Expr)) -> Vec<String> {
    let text = printed(|m| {
        let a = m.input("a", 2, "");
        let b = m.input("b", 1, "");
        let value = m.reg("value", 2, 0, "");
        m.comb(|body| build(body, &a, &b, &value.d));
    });
    let process = text.split("always @* begin\n").nth(1).unwrap();
    let process = process.split("\n  end\n").next().unwrap();
    process.lines().map(|line| line.trim().to_owned()).collect()
}

#[test]
fn a_lone_if_in_an_else_is_an_else_if() {
    let found = statements(|body, a, b, value| {
        body.when_else(
            b,
            |body| body.set(value, a),
            |body| {
                body.when_else(
                    &a.bit(0),
                    |body| body.set(value, &lit(1, 2)),
                    |body| body.set(value, &lit(2, 2)),
                )
            },
        )
    });
    assert_eq!(
        found,
        [
            "value_d = value_q;",
            "if (b) begin",
            "value_d = a;",
            "end else if (a[0]) begin",
            "value_d = 2'd1;",
            "end else begin",
            "value_d = 2'd2;",
            "end",
        ]
    );
}

/// The last branch is the default, so that no value of the selector is without one.
#[test]
fn a_case_ends_in_its_default() {
    let found = statements(|body, a, _, value| {
        body.case(a, 3, |body, index| body.set(value, &lit(index as u64, 2)));
    });
    assert_eq!(
        found,
        [
            "value_d = value_q;",
            "case (a)",
            "2'd0: begin",
            "value_d = 2'd0;",
            "end",
            "2'd1: begin",
            "value_d = 2'd1;",
            "end",
            "default: begin",
            "value_d = 2'd2;",
            "end",
            "endcase",
        ]
    );
}

#[test]
fn slices_may_be_assigned_one_by_one() {
    let found = statements(|body, a, b, value| {
        body.set_slice(value, 0, b);
        body.set_slice(value, 1, &a.bit(1));
    });
    assert_eq!(
        found,
        [
            "value_d = value_q;",
            "value_d[0] = b;",
            "value_d[1] = a[1];"
        ]
    );
    // All of it is no slice, and needs no default.
    assert_eq!(
        statements(|body, a, _, value| body.set_slice(value, 0, a)),
        ["value_d = a;"]
    );
}

#[test]
fn a_select_has_its_default_first() {
    let found = statements(|body, a, b, value| body.select(value, b, a, &lit(3, 2)));
    assert_eq!(
        found,
        ["value_d = 2'd3;", "if (b) begin", "value_d = a;", "end"]
    );
}

/// Reset for the registers that have one; data registers are copied alone.
#[test]
fn registers_reset_or_copy_and_nothing_else() {
    let text = printed(|m| {
        let start = m.input("start", 3, "");
        let flag = m.reg("flag", 1, 1, "a flag");
        let from = m.reg_from("from", start.clone(), "");
        let data = m.data_reg("data", 3, "");
        m.comb(|b| {
            b.set(&flag.d, &!&flag.q);
            b.set(&from.d, &data.q);
            b.set(&data.d, &from.q);
        });
    });
    let clocked = text.split("always @(posedge aclk) begin\n").nth(1).unwrap();
    let clocked: Vec<&str> = clocked.lines().map(str::trim).collect();
    assert_eq!(
        clocked[..9],
        [
            "if (~aresetn) begin",
            "flag_q <= 1'd1;",
            "from_q <= start;",
            "end else begin",
            "flag_q <= flag_d;",
            "from_q <= from_d;",
            "end",
            "data_q <= data_d;",
            "end",
        ]
    );
    assert!(text.contains("flag_q, flag_d;  // a flag"), "{text}");
}

fn child(name: &str, width: usize) -> Module {
    let mut m = Module::new(name, "A child.");
    let input = m.input("in", width, "");
    let output = m.output("out", width, "");
    m.assign(&output, &!&input);
    m
}

#[test]
fn equal_modules_are_printed_once_and_parents_first() {
    let text = printed(|m| {
        let a = m.input("a", 4, "");
        let b = m.net("b", 4, "");
        let c = m.output("c", 4, "");
        m.instance(
            "u_one",
            child("child", 4),
            vec![("in", a), ("out", b.clone())],
        );
        m.instance("u_two", child("child", 4), vec![("in", b), ("out", c)]);
    });
    assert_eq!(text.matches("module child (").count(), 1);
    assert!(text.find("module block (").unwrap() < text.find("module child (").unwrap());
    for instance in ["child u_one (", "child u_two ("] {
        assert!(text.contains(instance), "{text}");
    }
}

#[test]
fn two_different_modules_of_one_name_are_refused() {
    let message = refused(|| {
        printed(|m| {
            let a = m.input("a", 4, "");
            let b = m.output("b", 4, "");
            let c = m.output("c", 2, "");
            m.instance(
                "u_one",
                child("child", 4),
                vec![("in", a.clone()), ("out", b)],
            );
            m.instance(
                "u_two",
                child("child", 2),
                vec![("in", a.slice(0, 2)), ("out", c)],
            );
        });
    });
    assert!(
        message.contains("two different modules are named child"),
        "{message}"
    );
}

/// A configuration port that a child asks for becomes one of its parent's, once.
#[test]
fn configuration_ports_rise_to_the_top() {
    let configured = |name: &str| {
        let mut m = Module::new(name, "");
        let size = m.input("cfg_size", 5, "its size");
        let out = m.output("out", 5, "");
        m.assign(&out, &size);
        m
    };
    let text = printed(|m| {
        let one = m.output("one", 5, "");
        let two = m.output("two", 5, "");
        m.instance("u_one", configured("first"), vec![("out", one)]);
        m.instance("u_two", configured("second"), vec![("out", two)]);
    });
    let block = text.split("endmodule").next().unwrap();
    assert_eq!(
        block.matches("input  wire [4:0] cfg_size").count(),
        1,
        "{block}"
    );
    assert_eq!(block.matches(".cfg_size (cfg_size)").count(), 2, "{block}");
}

#[test]
fn every_port_of_an_instance_is_bound_and_no_other() {
    let a = || lit(1, 4);
    let missing = refused(|| {
        printed(|m| m.instance("u_child", child("child", 4), vec![("in", a())]));
    });
    assert!(missing.contains("port out is not bound"), "{missing}");
    let foreign = refused(|| {
        printed(|m| {
            let out = m.output("out", 4, "");
            let bindings = vec![("in", a()), ("out", out.clone()), ("odd", out)];
            m.instance("u_child", child("child", 4), bindings);
        });
    });
    assert!(foreign.contains("odd"), "{foreign}");
    let narrow = refused(|| {
        printed(|m| {
            let out = m.output("out", 3, "");
            m.instance(
                "u_child",
                child("child", 4),
                vec![("in", a()), ("out", out)],
            );
        });
    });
    assert!(narrow.contains("width of port out"), "{narrow}");
}

#[test]
fn operands_of_two_widths_are_refused() {
    for build in [
        |a: &Expr, b: &Expr| a + b,
        |a: &Expr, b: &Expr| a & b,
        |a: &Expr, b: &Expr| a.eq(b),
        |a: &Expr, b: &Expr| a.ge(b),
    ] {
        let message = refused(|| {
            assigned([4, 5, 1], |a, b, _| build(a, b));
        });
        assert!(message.contains("different widths"), "{message}");
    }
    let message = refused(|| {
        statements(|body, _, b, value| body.set(value, b));
    });
    assert!(message.contains("value_d"), "{message}");
}

#[test]
fn what_does_not_fit_is_refused() {
    assert!(refused(|| drop(lit(4, 2))).contains("does not fit"));
    assert!(refused(|| drop(lit(0, 0))).contains("at least one bit"));
    refused(|| drop(assigned([4, 1, 1], |a, _, _| a.slice(2, 3))));
    refused(|| drop(assigned([4, 1, 1], |a, _, _| a.zext(3))));
    refused(|| {
        drop(statements(|body, a, _, value| {
            body.when(a, |body| body.set(value, a))
        }))
    });
}

#[test]
fn a_name_is_declared_once() {
    let message = refused(|| {
        printed(|m| {
            m.input("a", 1, "");
            m.net("a", 2, "");
        });
    });
    assert!(message.contains("a is declared twice"), "{message}");
}

/// `always @*` would see the old value in simulation and the new one in synthesis.
#[test]
fn a_net_read_before_it_is_assigned_is_refused() {
    let build = |early: bool| {
        printed(|m| {
            let a = m.input("a", 2, "");
            let net = m.net("net", 2, "");
            let value = m.reg("value", 2, 0, "");
            m.comb(|b| {
                if early {
                    b.set(&value.d, &net);
                    b.set(&net, &a);
                } else {
                    b.set(&net, &a);
                    b.set(&value.d, &net);
                }
            });
        })
    };
    build(false);
    let message = refused(|| drop(build(true)));
    assert!(
        message.contains("net is read before it is assigned"),
        "{message}"
    );
}

/// The same in the test of an `if`, in an `else`, in a `case` and within an extension.
#[test]
fn a_net_read_too_early_is_found_anywhere() {
    let places: [fn(&mut Body, &Expr, &Expr); 5] = [
        |b, net, value| b.when(net, |b| b.set(value, &lit(1, 2))),
        |b, net, value| {
            b.when_else(
                &value.bit(0),
                |b| b.set(value, &lit(1, 2)),
                |b| b.set(value, &net.zext(2)),
            )
        },
        |b, net, value| b.case(net, 2, |b, _| b.set(value, &lit(1, 2))),
        |b, net, value| b.set(value, &net.sext(2)),
        |b, net, value| b.set_slice(value, 0, &!net),
    ];
    for place in places {
        let message = refused(|| {
            printed(|m| {
                let net = m.net("net", 1, "");
                let value = m.reg("value", 2, 0, "");
                m.comb(|b| {
                    place(b, &net, &value.d);
                    b.set(&net, &lit(1, 1));
                });
            });
        });
        assert!(
            message.contains("net is read before it is assigned"),
            "{message}"
        );
    }
}

#[test]
fn bits_for_a_value_hold_it_and_no_more() {
    for (max, bits) in [
        (0, 1),
        (1, 1),
        (2, 2),
        (3, 2),
        (4, 3),
        (255, 8),
        (256, 9),
        (u64::MAX, 64),
    ] {
        assert_eq!(bits_for(max), bits, "{max}");
    }
}
