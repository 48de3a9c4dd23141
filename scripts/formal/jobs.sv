// The rules of the jobs: what each part of the engine is told is of its own job, from the moment on from which it may be
// asked; the page of a memory that is in use is never filled; a job takes over when the one before it is done, and not before it is whole in the shadow.
//
// A job is one word of the table, `WORD, with a bit for each turn: `KNOWN, `TAKEN, `DONE are their places. The others hold
// anything, and make it good or not. The table is written while it is not locked; the core takes the frames of a job once
// they are told, and is done with frames and offers results as it likes.
(* anyseq *) reg [2:0] data;
(* anyseq *) reg last_taken;
assign table_word = `WORD;
assign table_strobe = 4'd15;
assign table_data = data;
assign all_taken = !taking;
// What is in the table, of the job that comes, of the one in the shadow and of the one that runs.
reg [2:0] table_now, coming, shadow_before, runs;
reg written, next_before, taking;
wire [2:0] shadow = next && !next_before ? coming : shadow_before;
always @* begin
  assume (!(table_write && (table_locked || start)));
  assume (!(start && !written));
  assume (!(weights_begin && !next_told));
  // The weights of a job have begun when it takes over: where no job runs, or the one that runs has all its weights, who
  // loads them is idle, and answers in the next cycle but one.
  assume (!(takes_over && next_told && !weights_begin));
  assume (!(frame_done && !job_aresetn));
end
always @(posedge aclk) begin
  next_before <= next;
  shadow_before <= shadow;
  taking <= frames_begin | (taking & !last_taken);
  if (table_write) begin
    table_now <= data;
    written <= 1'b1;
  end
  if (start && !table_locked && !abort) coming <= table_now;
  if (takes_over) runs <= shadow;
  if (abort) taking <= 1'b0;
  if (!aresetn) {written, next_before, taking} <= 3'd0;
end
always @* if (began) begin
  if (next_told) `must (next && cfg_known == shadow[`KNOWN]);
  if (frames_ahead) `must (next && cfg_taken == shadow[`TAKEN]);
  if (job_aresetn && !frames_ahead) `must (cfg_taken == runs[`TAKEN]);
  if (job_aresetn) `must (cfg_done == runs[`DONE]);
  if (takes_over) `must (next && frames_ahead && (!job_aresetn || job_ends));
  if (job_ends) `must (job_aresetn);
  // Of the core's memories, the page in use is not filled.
  if (`STROBE && job_aresetn) `must (cfg_load_page != cfg_page);
  `reach (takes_over && job_ends && shadow != runs);
  `reach (job_aresetn && frames_ahead && table_locked && coming != shadow && shadow != runs && coming != runs);
  `reach (job_aresetn && !frames_ahead && next_told && shadow[`KNOWN] != runs[`KNOWN]);
  `reach (refused && job_aresetn);
end
