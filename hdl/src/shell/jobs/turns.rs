//! Which job runs, and when the next one takes over.

use super::shadow::Shadow;
use crate::config::inputs::Turn;
use crate::primitives::paged_memory::PAGE;
use crate::rtl::{lit, Body, Expr, Module, Reg};
use crate::shell::job_table::{JobTable, FRAMES_BITS};

/// The job that runs, and the frames that are taken.
pub(super) struct Turns {
    frame_done: Expr,
    all_taken: Expr,
    offers: Expr,
    begins: Reg,
    ahead: Reg,
    taking: Reg,
    running: Reg,
    frames_left: Reg,
    last_frame: Reg,
    given: Reg,
    closing: Expr,
    job_over: Reg,
    done: Reg,
    takes_frames: Expr,
    takes_over: Expr,
    /// The core's memories have two pages: one in use, one that the load fills.
    pub page: Reg,
    /// Each output with what it shows.
    outputs: Vec<(Expr, Expr)>,
}

impl Turns {
    pub fn new(m: &mut Module) -> Self {
        let frame_done = m.input("frame_done", 1, "pulse: the core is done with a frame");
        let all_taken = m.input("all_taken", 1, "the core has taken the last frame told");
        let offers = m.input("offers", 1, "a result is on the stream");
        let begins = m.reg(
            "begins",
            1,
            0,
            "frames of the shadow may be taken from now on",
        );
        let ahead = m.reg("ahead", 1, 0, "they are, while another job runs");
        let taking = m.reg("taking", 1, 0, "a job takes over");
        let running = m.reg("running", 1, 0, "a job runs");
        let given = m.reg("given", 1, 0, "the last frame is done");
        let job_over = m.reg("job_over", 1, 0, "the job that runs is done");
        let done = m.reg("done", 1, 0, "");
        let closing = m.net("closing", 1, "its last frame is, until its reset");
        let takes_over = m.net("takes_over_now", 1, "the rest takes the shadow's");
        let page = m.reg("page", 1, 0, "page in use");
        let mut output =
            |name: &str, comment: &str, value: Expr| (m.output(name, 1, comment), value);
        let outputs = vec![
            output(
                "frames_begin",
                "pulse: the next job's are told",
                begins.q.clone(),
            ),
            output(
                "frames_ahead",
                "they are those of the job in the shadow",
                ahead.q.clone(),
            ),
            output("closes", "the last frame is done", closing.clone()),
            output("job_aresetn", "low while no job runs", running.q.clone()),
            output(
                "takes_over",
                "pulse: the job in the shadow runs",
                takes_over.clone(),
            ),
            output(
                "job_ends",
                "pulse: the job that ran is done",
                job_over.q.clone(),
            ),
            output(
                "running",
                "a job runs or takes over",
                &running.q | &taking.q,
            ),
            output("job_done", "pulse", done.q.clone()),
            output(PAGE, "page of the core's memories in use", page.q.clone()),
        ];
        Turns {
            frame_done,
            all_taken,
            offers,
            begins,
            ahead,
            taking,
            running,
            frames_left: m.data_reg("frames_left", FRAMES_BITS, "frames after this one"),
            last_frame: m.data_reg("last_frame", 1, "there are none"),
            given,
            closing,
            job_over,
            done,
            takes_frames: m.net("takes_frames", 1, "the stream of frames takes the shadow's"),
            takes_over,
            page,
            outputs,
        }
    }

    /// The job that runs comes to its end.
    pub fn run(&self, b: &mut Body) {
        b.comment("A run.");
        b.set(&self.job_over.d, &lit(0, 1));
        b.when(&(&self.running.q & !&self.job_over.q), |b| {
            b.when(&self.frame_done, |b| {
                b.set(&self.frames_left.d, &self.frames_left.q.minus(1));
                let last = self.frames_left.q.eq(&lit(1, FRAMES_BITS));
                b.set(&self.last_frame.d, &last);
                b.when(&self.last_frame.q, |b| b.set(&self.given.d, &lit(1, 1)));
            });
            let taken = &self.all_taken | &self.ahead.q;
            b.set(&self.job_over.d, &(&self.given.d & taken & !&self.offers));
        });
        b.set(&self.closing, &self.given.d);
        b.set(&self.done.d, &self.job_over.q);
        b.when(&self.job_over.q, |b| {
            b.set(&self.running.d, &lit(0, 1));
            b.set(&self.given.d, &lit(0, 1));
        });
    }

    /// The shadow's job takes its turns; `next` is high while there is one.
    pub fn tell(&self, b: &mut Body, table: &JobTable, next: &Reg, shadow: &Shadow) {
        b.comment("The shadow's job, by the part.");
        let takes_frames = &next.q & !&self.ahead.q & &self.all_taken;
        b.set(&self.takes_frames, &takes_frames);
        b.set(&self.begins.d, &self.takes_frames);
        b.when(&self.takes_frames, |b| {
            b.set(&self.ahead.d, &lit(1, 1));
            shadow.tell(b, table, Turn::Taken);
        });
        // Its weights have begun by then: the loader is idle where no job runs or the one that runs has its set.
        let rests = &self.job_over.q | !&self.running.q;
        b.set(&self.takes_over, &(&self.ahead.q & rests));
        b.set(&self.taking.d, &self.takes_over);
        b.when(&self.taking.q, |b| b.set(&self.running.d, &lit(1, 1)));
        b.when(&self.takes_over, |b| {
            b.set(&next.d, &lit(0, 1));
            b.set(&self.page.d, &!&self.page.q);
            b.set(&self.ahead.d, &lit(0, 1));
            shadow.tell(b, table, Turn::Done);
            b.set(&self.frames_left.d, shadow.frames_less_1());
            b.set(&self.last_frame.d, &shadow.frames_less_1().is_zero());
        });
    }

    pub fn drop(&self, b: &mut Body) {
        let states = [
            &self.begins,
            &self.ahead,
            &self.taking,
            &self.running,
            &self.given,
            &self.job_over,
            &self.done,
        ];
        for reg in states {
            b.set(&reg.d, &lit(0, 1));
        }
    }

    pub fn drive(&self, m: &mut Module) {
        for (port, value) in &self.outputs {
            m.assign(port, value);
        }
    }
}
