// depthwise_small: back propagation of activation (data gradient) of a convolution.
// Made by bpa-engine 0.1.0 for this layer:
//   name = "depthwise_small"
//
//   [layer]
//   in_channels = 2
//   out_channels = 2
//   in_size = [3, 8]
//   kernel = [1, 2]
//   stride = [1, 3]
//   dilation = [1, 1]
//   padding = [0, 2, 1, 0]
//   groups = 2
//   out_size = [5, 3]
//
//   [engine]
//   simd = 1
//   pe = 2
//   grad_type = "int8"
//   weight_type = "int8"
//   weight_sets = 1
//
//
// Fixed shell: ties the core's configuration to this layer, so that synthesis folds it away.
module depthwise_small (
  input  wire        aclk,
  input  wire        aresetn,  // synchronous, active low
  input  wire        s_axis_grad_output_tvalid,  // dY: row, column, channel block; tlast ends a frame
  output wire        s_axis_grad_output_tready,
  input  wire [15:0] s_axis_grad_output_tdata,
  input  wire        s_axis_grad_output_tlast,
  input  wire        s_axis_weight_tvalid,  // weights; tlast ends a set
  output wire        s_axis_weight_tready,
  input  wire [15:0] s_axis_weight_tdata,
  input  wire        s_axis_weight_tlast,
  output wire        m_axis_grad_input_tvalid,  // dA: row, column, channel block; tlast ends a frame
  input  wire        m_axis_grad_input_tready,
  output wire [31:0] m_axis_grad_input_tdata,
  output wire        m_axis_grad_input_tlast,
  output wire        busy,  // a frame is in the engine
  output wire        frame_done,  // pulse: the last beat of a frame was taken
  output wire        error,  // sticky until reset: a tlast was misplaced
  output wire [5:0]  error_cause  // grad_output early, missing, late; weight early, missing, late
);
  localparam [1:0] CFG_ROW_VISITS_LESS_1 = 2'd2;  // visits of a walk, less one
  localparam [2:0] CFG_ROW_ADDRESS_STEP = 3'd3;  // units from a visit of a slot to its next
  localparam [2:0] CFG_ROW_ADDRESS_CLIP = 3'd0;  // units from a visit of a slot to its next where its first tap leaves
  localparam       CFG_ROW_WEIGHT_TAP = 1'd0;  // weight units from tap to tap
  localparam       CFG_ROW_FIRST_SKIP = 1'd0;  // beats without a tap before the first visit
  localparam [3:0] CFG_WALK_RING = 4'd5;  // size of the line buffer in units of this block's addresses
  localparam       CFG_ROW_SLOT0_TAPS = 1'd0;  // taps at the first visit beyond those that every visit has
  localparam [2:0] CFG_ROW_SLOT0_ADDRESS = 3'd0;  // line-buffer offset of its first tap, units
  localparam       CFG_ROW_SLOT0_WEIGHT = 1'd0;  // weight offset of its first tap, units
  localparam       CFG_ROW_SLOT0_CLIPS = 1'd0;  // it leaves after the first visit
  localparam       CFG_ROW_SLOT0_CLIPPED = 1'd0;  // taps have left before the first visit
  localparam       CFG_ROW_SLOT0_GROWS_LEFT = 1'd0;  // taps that have yet to enter
  localparam       CFG_ROW_SLOT0_OPENS_FIRST = 1'd1;  // first visit needs new input
  localparam       CFG_ROW_SLOT0_EXTRA = 1'd0;  // pixels that the first visit opens beyond one position
  localparam       CFG_ROW_SLOT0_OPENS = 1'd1;  // later visits need new input
  localparam       CFG_ROW_SLOT0_CLOSES = 1'd1;  // holds the kernel's last tap
  localparam       CFG_ROW_SLOT0_SKIP = 1'd1;  // beats without a tap since the visit before
  localparam [2:0] CFG_ROW_SLOT0_CLIP_AFTER = 3'd4;  // visits left at its last visit before its first tap leaves
  localparam [2:0] CFG_COL_VISITS_LESS_1 = 3'd4;  // visits of a walk, less one
  localparam [2:0] CFG_COL_ADDRESS_STEP = 3'd1;  // units from a visit of a slot to its next
  localparam [2:0] CFG_COL_ADDRESS_CLIP = 3'd0;  // units from a visit of a slot to its next where its first tap leaves
  localparam       CFG_COL_WEIGHT_TAP = 1'd0;  // weight units from tap to tap
  localparam       CFG_COL_FIRST_SKIP = 1'd0;  // beats without a tap before the first visit
  localparam       CFG_COL_SLOT0_TAPS = 1'd0;  // taps at the first visit beyond those that every visit has
  localparam [2:0] CFG_COL_SLOT0_ADDRESS = 3'd0;  // line-buffer offset of its first tap, units
  localparam       CFG_COL_SLOT0_WEIGHT = 1'd1;  // weight offset of its first tap, units
  localparam       CFG_COL_SLOT0_CLIPS = 1'd0;  // it leaves after the first visit
  localparam       CFG_COL_SLOT0_CLIPPED = 1'd1;  // taps have left before the first visit
  localparam       CFG_COL_SLOT0_GROWS_LEFT = 1'd0;  // taps that have yet to enter
  localparam       CFG_COL_SLOT0_OPENS_FIRST = 1'd1;  // first visit needs new input
  localparam       CFG_COL_SLOT0_EXTRA = 1'd0;  // pixels that the first visit opens beyond one position
  localparam       CFG_COL_SLOT0_OPENS = 1'd0;  // later visits need new input
  localparam       CFG_COL_SLOT0_CLOSES = 1'd1;  // holds the kernel's last tap
  localparam       CFG_COL_SLOT0_SKIP = 1'd0;  // beats without a tap since the visit before
  localparam [3:0] CFG_COL_SLOT0_CLIP_AFTER = 4'd2;  // visits left at its last visit before its first tap leaves
  localparam       CFG_COL_SLOT1_TAPS = 1'd0;  // taps at the first visit beyond those that every visit has
  localparam [2:0] CFG_COL_SLOT1_ADDRESS = 3'd1;  // line-buffer offset of its first tap, units
  localparam       CFG_COL_SLOT1_WEIGHT = 1'd0;  // weight offset of its first tap, units
  localparam       CFG_COL_SLOT1_CLIPS = 1'd0;  // it leaves after the first visit
  localparam       CFG_COL_SLOT1_CLIPPED = 1'd0;  // taps have left before the first visit
  localparam       CFG_COL_SLOT1_GROWS_LEFT = 1'd0;  // taps that have yet to enter
  localparam       CFG_COL_SLOT1_OPENS_FIRST = 1'd1;  // first visit needs new input
  localparam       CFG_COL_SLOT1_EXTRA = 1'd0;  // pixels that the first visit opens beyond one position
  localparam       CFG_COL_SLOT1_OPENS = 1'd1;  // later visits need new input
  localparam       CFG_COL_SLOT1_CLOSES = 1'd0;  // holds the kernel's last tap
  localparam       CFG_COL_SLOT1_SKIP = 1'd1;  // beats without a tap since the visit before
  localparam [3:0] CFG_COL_SLOT1_CLIP_AFTER = 4'd3;  // visits left at its last visit before its first tap leaves
  localparam [2:0] CFG_FRAME_STEP = 3'd4;  // units stored of a frame, modulo the line buffer
  localparam [2:0] CFG_LINE_PIXELS = 3'd5;  // pixels in the line buffer
  localparam [2:0] CFG_LINE_LESS_1 = 3'd4;  // pixels in the line buffer, less one
  localparam [2:0] CFG_GRAD_ROWS_LESS_1 = 3'd4;  // size of grad_output, less one
  localparam [2:0] CFG_FIRST_KEPT_ROW = 3'd0;  // first one that some output needs
  localparam [2:0] CFG_LAST_KEPT_ROW = 3'd2;  // last one that some output needs
  localparam       CFG_KEEPS_ROW_0 = 1'd1;  // the first one is needed
  localparam [1:0] CFG_GRAD_COLS_LESS_1 = 2'd2;  // size of grad_output, less one
  localparam [1:0] CFG_FIRST_KEPT_COL = 2'd0;  // first one that some output needs
  localparam [1:0] CFG_LAST_KEPT_COL = 2'd2;  // last one that some output needs
  localparam       CFG_KEEPS_COL_0 = 1'd1;  // the first one is needed
  localparam       CFG_WEIGHT_WORDS_LESS_1 = 1'd1;  // beats of a set of weights, less one
  localparam [4:0] CFG_FIFO_RESULTS = 5'd16;  // results that the output FIFO holds
  localparam [3:0] CFG_ISSUE_RING = 4'd5;  // size of the line buffer in units of this block's addresses
  localparam       CFG_FREE_ROW_END = 1'd0;  // pixels freed at the end of a row that closes one
  localparam       CFG_FREE_FRAME_END = 1'd0;  // pixels freed at the end of a frame
  localparam       CFG_END_BEATS = 1'd1;  // beats without a tap at a frame's end

  depthwise_small_core u_core (
    .aclk                      (aclk),
    .aresetn                   (aresetn),
    .s_axis_grad_output_tvalid (s_axis_grad_output_tvalid),
    .s_axis_grad_output_tready (s_axis_grad_output_tready),
    .s_axis_grad_output_tdata  (s_axis_grad_output_tdata),
    .s_axis_grad_output_tlast  (s_axis_grad_output_tlast),
    .s_axis_weight_tvalid      (s_axis_weight_tvalid),
    .s_axis_weight_tready      (s_axis_weight_tready),
    .s_axis_weight_tdata       (s_axis_weight_tdata),
    .s_axis_weight_tlast       (s_axis_weight_tlast),
    .m_axis_grad_input_tvalid  (m_axis_grad_input_tvalid),
    .m_axis_grad_input_tready  (m_axis_grad_input_tready),
    .m_axis_grad_input_tdata   (m_axis_grad_input_tdata),
    .m_axis_grad_input_tlast   (m_axis_grad_input_tlast),
    .busy                      (busy),
    .frame_done                (frame_done),
    .error                     (error),
    .error_cause               (error_cause),
    .cfg_walk_ring             (CFG_WALK_RING),
    .cfg_frame_step            (CFG_FRAME_STEP),
    .cfg_row_visits_less_1     (CFG_ROW_VISITS_LESS_1),
    .cfg_row_address_step      (CFG_ROW_ADDRESS_STEP),
    .cfg_row_address_clip      (CFG_ROW_ADDRESS_CLIP),
    .cfg_row_weight_tap        (CFG_ROW_WEIGHT_TAP),
    .cfg_row_first_skip        (CFG_ROW_FIRST_SKIP),
    .cfg_row_slot0_taps        (CFG_ROW_SLOT0_TAPS),
    .cfg_row_slot0_address     (CFG_ROW_SLOT0_ADDRESS),
    .cfg_row_slot0_weight      (CFG_ROW_SLOT0_WEIGHT),
    .cfg_row_slot0_clips       (CFG_ROW_SLOT0_CLIPS),
    .cfg_row_slot0_clipped     (CFG_ROW_SLOT0_CLIPPED),
    .cfg_row_slot0_grows_left  (CFG_ROW_SLOT0_GROWS_LEFT),
    .cfg_row_slot0_opens_first (CFG_ROW_SLOT0_OPENS_FIRST),
    .cfg_row_slot0_extra       (CFG_ROW_SLOT0_EXTRA),
    .cfg_row_slot0_opens       (CFG_ROW_SLOT0_OPENS),
    .cfg_row_slot0_closes      (CFG_ROW_SLOT0_CLOSES),
    .cfg_row_slot0_skip        (CFG_ROW_SLOT0_SKIP),
    .cfg_row_slot0_clip_after  (CFG_ROW_SLOT0_CLIP_AFTER),
    .cfg_col_visits_less_1     (CFG_COL_VISITS_LESS_1),
    .cfg_col_address_step      (CFG_COL_ADDRESS_STEP),
    .cfg_col_address_clip      (CFG_COL_ADDRESS_CLIP),
    .cfg_col_weight_tap        (CFG_COL_WEIGHT_TAP),
    .cfg_col_first_skip        (CFG_COL_FIRST_SKIP),
    .cfg_col_slot0_taps        (CFG_COL_SLOT0_TAPS),
    .cfg_col_slot0_address     (CFG_COL_SLOT0_ADDRESS),
    .cfg_col_slot0_weight      (CFG_COL_SLOT0_WEIGHT),
    .cfg_col_slot0_clips       (CFG_COL_SLOT0_CLIPS),
    .cfg_col_slot0_clipped     (CFG_COL_SLOT0_CLIPPED),
    .cfg_col_slot0_grows_left  (CFG_COL_SLOT0_GROWS_LEFT),
    .cfg_col_slot0_opens_first (CFG_COL_SLOT0_OPENS_FIRST),
    .cfg_col_slot0_extra       (CFG_COL_SLOT0_EXTRA),
    .cfg_col_slot0_opens       (CFG_COL_SLOT0_OPENS),
    .cfg_col_slot0_closes      (CFG_COL_SLOT0_CLOSES),
    .cfg_col_slot0_skip        (CFG_COL_SLOT0_SKIP),
    .cfg_col_slot0_clip_after  (CFG_COL_SLOT0_CLIP_AFTER),
    .cfg_col_slot1_taps        (CFG_COL_SLOT1_TAPS),
    .cfg_col_slot1_address     (CFG_COL_SLOT1_ADDRESS),
    .cfg_col_slot1_weight      (CFG_COL_SLOT1_WEIGHT),
    .cfg_col_slot1_clips       (CFG_COL_SLOT1_CLIPS),
    .cfg_col_slot1_clipped     (CFG_COL_SLOT1_CLIPPED),
    .cfg_col_slot1_grows_left  (CFG_COL_SLOT1_GROWS_LEFT),
    .cfg_col_slot1_opens_first (CFG_COL_SLOT1_OPENS_FIRST),
    .cfg_col_slot1_extra       (CFG_COL_SLOT1_EXTRA),
    .cfg_col_slot1_opens       (CFG_COL_SLOT1_OPENS),
    .cfg_col_slot1_closes      (CFG_COL_SLOT1_CLOSES),
    .cfg_col_slot1_skip        (CFG_COL_SLOT1_SKIP),
    .cfg_col_slot1_clip_after  (CFG_COL_SLOT1_CLIP_AFTER),
    .cfg_line_pixels           (CFG_LINE_PIXELS),
    .cfg_line_less_1           (CFG_LINE_LESS_1),
    .cfg_grad_rows_less_1      (CFG_GRAD_ROWS_LESS_1),
    .cfg_first_kept_row        (CFG_FIRST_KEPT_ROW),
    .cfg_last_kept_row         (CFG_LAST_KEPT_ROW),
    .cfg_keeps_row_0           (CFG_KEEPS_ROW_0),
    .cfg_grad_cols_less_1      (CFG_GRAD_COLS_LESS_1),
    .cfg_first_kept_col        (CFG_FIRST_KEPT_COL),
    .cfg_last_kept_col         (CFG_LAST_KEPT_COL),
    .cfg_keeps_col_0           (CFG_KEEPS_COL_0),
    .cfg_weight_words_less_1   (CFG_WEIGHT_WORDS_LESS_1),
    .cfg_fifo_results          (CFG_FIFO_RESULTS),
    .cfg_issue_ring            (CFG_ISSUE_RING),
    .cfg_free_row_end          (CFG_FREE_ROW_END),
    .cfg_free_frame_end        (CFG_FREE_FRAME_END),
    .cfg_end_beats             (CFG_END_BEATS)
  );
endmodule

// Core: streams in and out, what the layer is on the cfg_ inputs (steady while frames pass).
//
//   grad_output -> grad port -> line buffer -+
//   weight ------> weight port -> weights ---+-> lanes -> output FIFO -> grad_input
//   pixel walk -> token queue -> issue loop -'
module depthwise_small_core (
  input  wire        aclk,
  input  wire        aresetn,  // synchronous, active low
  input  wire        s_axis_grad_output_tvalid,  // dY: row, column, channel block; tlast ends a frame
  output wire        s_axis_grad_output_tready,
  input  wire [15:0] s_axis_grad_output_tdata,
  input  wire        s_axis_grad_output_tlast,
  input  wire        s_axis_weight_tvalid,  // weights; tlast ends a set
  output wire        s_axis_weight_tready,
  input  wire [15:0] s_axis_weight_tdata,
  input  wire        s_axis_weight_tlast,
  output wire        m_axis_grad_input_tvalid,  // dA: row, column, channel block; tlast ends a frame
  input  wire        m_axis_grad_input_tready,
  output wire [31:0] m_axis_grad_input_tdata,
  output wire        m_axis_grad_input_tlast,
  output wire        busy,  // a frame is in the engine
  output wire        frame_done,  // pulse: the last beat of a frame was taken
  output wire        error,  // sticky until reset: a tlast was misplaced
  output wire [5:0]  error_cause,  // grad_output early, missing, late; weight early, missing, late
  input  wire [3:0]  cfg_walk_ring,  // size of the line buffer in units of this block's addresses
  input  wire [2:0]  cfg_frame_step,  // units stored of a frame, modulo the line buffer
  input  wire [1:0]  cfg_row_visits_less_1,  // visits of a walk, less one
  input  wire [2:0]  cfg_row_address_step,  // units from a visit of a slot to its next
  input  wire [2:0]  cfg_row_address_clip,  // units from a visit of a slot to its next where its first tap leaves
  input  wire        cfg_row_weight_tap,  // weight units from tap to tap
  input  wire        cfg_row_first_skip,  // beats without a tap before the first visit
  input  wire        cfg_row_slot0_taps,  // taps at the first visit beyond those that every visit has
  input  wire [2:0]  cfg_row_slot0_address,  // line-buffer offset of its first tap, units
  input  wire        cfg_row_slot0_weight,  // weight offset of its first tap, units
  input  wire        cfg_row_slot0_clips,  // it leaves after the first visit
  input  wire        cfg_row_slot0_clipped,  // taps have left before the first visit
  input  wire        cfg_row_slot0_grows_left,  // taps that have yet to enter
  input  wire        cfg_row_slot0_opens_first,  // first visit needs new input
  input  wire        cfg_row_slot0_extra,  // pixels that the first visit opens beyond one position
  input  wire        cfg_row_slot0_opens,  // later visits need new input
  input  wire        cfg_row_slot0_closes,  // holds the kernel's last tap
  input  wire        cfg_row_slot0_skip,  // beats without a tap since the visit before
  input  wire [2:0]  cfg_row_slot0_clip_after,  // visits left at its last visit before its first tap leaves
  input  wire [2:0]  cfg_col_visits_less_1,  // visits of a walk, less one
  input  wire [2:0]  cfg_col_address_step,  // units from a visit of a slot to its next
  input  wire [2:0]  cfg_col_address_clip,  // units from a visit of a slot to its next where its first tap leaves
  input  wire        cfg_col_weight_tap,  // weight units from tap to tap
  input  wire        cfg_col_first_skip,  // beats without a tap before the first visit
  input  wire        cfg_col_slot0_taps,  // taps at the first visit beyond those that every visit has
  input  wire [2:0]  cfg_col_slot0_address,  // line-buffer offset of its first tap, units
  input  wire        cfg_col_slot0_weight,  // weight offset of its first tap, units
  input  wire        cfg_col_slot0_clips,  // it leaves after the first visit
  input  wire        cfg_col_slot0_clipped,  // taps have left before the first visit
  input  wire        cfg_col_slot0_grows_left,  // taps that have yet to enter
  input  wire        cfg_col_slot0_opens_first,  // first visit needs new input
  input  wire        cfg_col_slot0_extra,  // pixels that the first visit opens beyond one position
  input  wire        cfg_col_slot0_opens,  // later visits need new input
  input  wire        cfg_col_slot0_closes,  // holds the kernel's last tap
  input  wire        cfg_col_slot0_skip,  // beats without a tap since the visit before
  input  wire [3:0]  cfg_col_slot0_clip_after,  // visits left at its last visit before its first tap leaves
  input  wire        cfg_col_slot1_taps,  // taps at the first visit beyond those that every visit has
  input  wire [2:0]  cfg_col_slot1_address,  // line-buffer offset of its first tap, units
  input  wire        cfg_col_slot1_weight,  // weight offset of its first tap, units
  input  wire        cfg_col_slot1_clips,  // it leaves after the first visit
  input  wire        cfg_col_slot1_clipped,  // taps have left before the first visit
  input  wire        cfg_col_slot1_grows_left,  // taps that have yet to enter
  input  wire        cfg_col_slot1_opens_first,  // first visit needs new input
  input  wire        cfg_col_slot1_extra,  // pixels that the first visit opens beyond one position
  input  wire        cfg_col_slot1_opens,  // later visits need new input
  input  wire        cfg_col_slot1_closes,  // holds the kernel's last tap
  input  wire        cfg_col_slot1_skip,  // beats without a tap since the visit before
  input  wire [3:0]  cfg_col_slot1_clip_after,  // visits left at its last visit before its first tap leaves
  input  wire [2:0]  cfg_line_pixels,  // pixels in the line buffer
  input  wire [2:0]  cfg_line_less_1,  // pixels in the line buffer, less one
  input  wire [2:0]  cfg_grad_rows_less_1,  // size of grad_output, less one
  input  wire [2:0]  cfg_first_kept_row,  // first one that some output needs
  input  wire [2:0]  cfg_last_kept_row,  // last one that some output needs
  input  wire        cfg_keeps_row_0,  // the first one is needed
  input  wire [1:0]  cfg_grad_cols_less_1,  // size of grad_output, less one
  input  wire [1:0]  cfg_first_kept_col,  // first one that some output needs
  input  wire [1:0]  cfg_last_kept_col,  // last one that some output needs
  input  wire        cfg_keeps_col_0,  // the first one is needed
  input  wire        cfg_weight_words_less_1,  // beats of a set of weights, less one
  input  wire [4:0]  cfg_fifo_results,  // results that the output FIFO holds
  input  wire [3:0]  cfg_issue_ring,  // size of the line buffer in units of this block's addresses
  input  wire        cfg_free_row_end,  // pixels freed at the end of a row that closes one
  input  wire        cfg_free_frame_end,  // pixels freed at the end of a frame
  input  wire        cfg_end_beats  // beats without a tap at a frame's end
);
  wire        weights_ready;
  wire        frame_begin;
  wire        arrived;
  wire        walk_valid;
  wire        walk_ready;
  wire [14:0] walk_token;
  wire        token_valid;
  wire        token_ready;
  wire [14:0] token;
  wire        grad_write;
  wire [15:0] grad_write_data;
  wire [2:0]  grad_write_address;
  wire        free_pixels;
  wire [5:0]  misplaced;  // a tlast, by stream and kind
  wire [2:0]  grad_address;
  wire [15:0] grad_word;
  wire        weight_write;
  wire        weight_write_address;
  wire        frame_busy;
  wire        weight_address;
  wire [15:0] weight_word;
  wire        taken;
  wire        acc_first;
  wire        acc_last;
  wire        frame_last;
  wire        skip_write;
  wire [3:0]  skip_slot;
  wire        skip_beats;
  wire [31:0] acc;
  reg  [5:0]  first_line_q, first_line_d;  // travels beside the issue
  reg  [6:0]  last_line_q, last_line_d;  // travels beside the issue
  reg  [6:0]  frame_last_line_q, frame_last_line_d;  // travels beside the issue
  wire [31:0] out_data;
  reg  [31:0] out_wide;  // each value sign-extended to bytes
  reg         begun_q, begun_d;
  reg  [2:0]  frames_q, frames_d;  // frames in the engine
  reg         frames_inside_q, frames_inside_d;  // the count is not zero
  reg         frames_two;  // there are two at least
  reg  [2:0]  frames_step;  // one up or down
  reg         is_busy_q, is_busy_d;
  reg  [5:0]  seen_q, seen_d;
  reg  [5:0]  cause_q, cause_d;
  reg         failed_q, failed_d;

  assign m_axis_grad_input_tdata = out_wide;
  assign busy = is_busy_q;
  assign error = failed_q;
  assign error_cause = cause_q;

  always @* begin
    first_line_d = first_line_q;
    last_line_d = last_line_q;
    frame_last_line_d = frame_last_line_q;
    frames_d = frames_q;
    frames_inside_d = frames_inside_q;
    cause_d = cause_q;
    first_line_d[0] = acc_first;
    first_line_d[5:1] = first_line_q[4:0];
    last_line_d[0] = acc_last;
    last_line_d[6:1] = last_line_q[5:0];
    frame_last_line_d[0] = frame_last;
    frame_last_line_d[6:1] = frame_last_line_q[5:0];
    out_wide[15:0] = out_data[15:0];
    out_wide[31:16] = out_data[31:16];
    begun_d = frame_begin;
    frames_two = frames_q >= 3'd2;
    frames_step = 3'd1;
    if (frame_done) begin
      frames_step = {3{1'd1}};
    end
    if (begun_q != frame_done) begin
      frames_d = frames_q + frames_step;
      frames_inside_d = begun_q | frames_two;
    end
    is_busy_d = begun_q | frames_inside_q;
    seen_d = misplaced;
    if (seen_q[0]) begin
      cause_d[0] = 1'd1;
    end
    if (seen_q[1]) begin
      cause_d[1] = 1'd1;
    end
    if (seen_q[2]) begin
      cause_d[2] = 1'd1;
    end
    if (seen_q[3]) begin
      cause_d[3] = 1'd1;
    end
    if (seen_q[4]) begin
      cause_d[4] = 1'd1;
    end
    if (seen_q[5]) begin
      cause_d[5] = 1'd1;
    end
    failed_d = |cause_q;
  end

  always @(posedge aclk) begin
    if (~aresetn) begin
      last_line_q <= 7'd0;
      begun_q <= 1'd0;
      frames_q <= 3'd0;
      frames_inside_q <= 1'd0;
      is_busy_q <= 1'd0;
      seen_q <= 6'd0;
      cause_q <= 6'd0;
      failed_q <= 1'd0;
    end else begin
      last_line_q <= last_line_d;
      begun_q <= begun_d;
      frames_q <= frames_d;
      frames_inside_q <= frames_inside_d;
      is_busy_q <= is_busy_d;
      seen_q <= seen_d;
      cause_q <= cause_d;
      failed_q <= failed_d;
    end
    first_line_q <= first_line_d;
    frame_last_line_q <= frame_last_line_d;
  end

  depthwise_small_walk u_walk (
    .aclk                      (aclk),
    .aresetn                   (aresetn),
    .token_valid               (walk_valid),
    .token_ready               (walk_ready),
    .token                     (walk_token),
    .cfg_walk_ring             (cfg_walk_ring),
    .cfg_frame_step            (cfg_frame_step),
    .cfg_row_visits_less_1     (cfg_row_visits_less_1),
    .cfg_row_address_step      (cfg_row_address_step),
    .cfg_row_address_clip      (cfg_row_address_clip),
    .cfg_row_weight_tap        (cfg_row_weight_tap),
    .cfg_row_first_skip        (cfg_row_first_skip),
    .cfg_row_slot0_taps        (cfg_row_slot0_taps),
    .cfg_row_slot0_address     (cfg_row_slot0_address),
    .cfg_row_slot0_weight      (cfg_row_slot0_weight),
    .cfg_row_slot0_clips       (cfg_row_slot0_clips),
    .cfg_row_slot0_clipped     (cfg_row_slot0_clipped),
    .cfg_row_slot0_grows_left  (cfg_row_slot0_grows_left),
    .cfg_row_slot0_opens_first (cfg_row_slot0_opens_first),
    .cfg_row_slot0_extra       (cfg_row_slot0_extra),
    .cfg_row_slot0_opens       (cfg_row_slot0_opens),
    .cfg_row_slot0_closes      (cfg_row_slot0_closes),
    .cfg_row_slot0_skip        (cfg_row_slot0_skip),
    .cfg_row_slot0_clip_after  (cfg_row_slot0_clip_after),
    .cfg_col_visits_less_1     (cfg_col_visits_less_1),
    .cfg_col_address_step      (cfg_col_address_step),
    .cfg_col_address_clip      (cfg_col_address_clip),
    .cfg_col_weight_tap        (cfg_col_weight_tap),
    .cfg_col_first_skip        (cfg_col_first_skip),
    .cfg_col_slot0_taps        (cfg_col_slot0_taps),
    .cfg_col_slot0_address     (cfg_col_slot0_address),
    .cfg_col_slot0_weight      (cfg_col_slot0_weight),
    .cfg_col_slot0_clips       (cfg_col_slot0_clips),
    .cfg_col_slot0_clipped     (cfg_col_slot0_clipped),
    .cfg_col_slot0_grows_left  (cfg_col_slot0_grows_left),
    .cfg_col_slot0_opens_first (cfg_col_slot0_opens_first),
    .cfg_col_slot0_extra       (cfg_col_slot0_extra),
    .cfg_col_slot0_opens       (cfg_col_slot0_opens),
    .cfg_col_slot0_closes      (cfg_col_slot0_closes),
    .cfg_col_slot0_skip        (cfg_col_slot0_skip),
    .cfg_col_slot0_clip_after  (cfg_col_slot0_clip_after),
    .cfg_col_slot1_taps        (cfg_col_slot1_taps),
    .cfg_col_slot1_address     (cfg_col_slot1_address),
    .cfg_col_slot1_weight      (cfg_col_slot1_weight),
    .cfg_col_slot1_clips       (cfg_col_slot1_clips),
    .cfg_col_slot1_clipped     (cfg_col_slot1_clipped),
    .cfg_col_slot1_grows_left  (cfg_col_slot1_grows_left),
    .cfg_col_slot1_opens_first (cfg_col_slot1_opens_first),
    .cfg_col_slot1_extra       (cfg_col_slot1_extra),
    .cfg_col_slot1_opens       (cfg_col_slot1_opens),
    .cfg_col_slot1_closes      (cfg_col_slot1_closes),
    .cfg_col_slot1_skip        (cfg_col_slot1_skip),
    .cfg_col_slot1_clip_after  (cfg_col_slot1_clip_after)
  );

  depthwise_small_tokens u_tokens (
    .aclk          (aclk),
    .aresetn       (aresetn),
    .in_valid      (walk_valid),
    .in_ready      (walk_ready),
    .in_token      (walk_token),
    .arrived       (arrived),
    .weights_ready (weights_ready),
    .out_valid     (token_valid),
    .out_ready     (token_ready),
    .out_token     (token)
  );

  depthwise_small_grad u_grad (
    .aclk                 (aclk),
    .aresetn              (aresetn),
    .tvalid               (s_axis_grad_output_tvalid),
    .tready               (s_axis_grad_output_tready),
    .tlast                (s_axis_grad_output_tlast),
    .tdata                (s_axis_grad_output_tdata),
    .write                (grad_write),
    .write_address        (grad_write_address),
    .write_data           (grad_write_data),
    .arrived              (arrived),
    .free_pixels          (free_pixels),
    .frame_begin          (frame_begin),
    .tlast_early          (misplaced[0]),
    .tlast_missing        (misplaced[1]),
    .tlast_late           (misplaced[2]),
    .cfg_line_pixels      (cfg_line_pixels),
    .cfg_line_less_1      (cfg_line_less_1),
    .cfg_grad_rows_less_1 (cfg_grad_rows_less_1),
    .cfg_first_kept_row   (cfg_first_kept_row),
    .cfg_last_kept_row    (cfg_last_kept_row),
    .cfg_keeps_row_0      (cfg_keeps_row_0),
    .cfg_grad_cols_less_1 (cfg_grad_cols_less_1),
    .cfg_first_kept_col   (cfg_first_kept_col),
    .cfg_last_kept_col    (cfg_last_kept_col),
    .cfg_keeps_col_0      (cfg_keeps_col_0)
  );

  depthwise_small_line_buffer u_line_buffer (
    .aclk          (aclk),
    .write         (grad_write),
    .write_address (grad_write_address),
    .write_data    (grad_write_data),
    .read_address  (grad_address),
    .read_data     (grad_word)
  );

  depthwise_small_weight u_weight (
    .aclk                    (aclk),
    .aresetn                 (aresetn),
    .tvalid                  (s_axis_weight_tvalid),
    .tready                  (s_axis_weight_tready),
    .tlast                   (s_axis_weight_tlast),
    .write                   (weight_write),
    .write_address           (weight_write_address),
    .weights_ready           (weights_ready),
    .frame_busy              (frame_busy),
    .tlast_early             (misplaced[3]),
    .tlast_missing           (misplaced[4]),
    .tlast_late              (misplaced[5]),
    .cfg_weight_words_less_1 (cfg_weight_words_less_1)
  );

  depthwise_small_weights u_weights (
    .aclk          (aclk),
    .write         (weight_write),
    .write_address (weight_write_address),
    .write_data    (s_axis_weight_tdata),
    .read_address  (weight_address),
    .read_data     (weight_word)
  );

  depthwise_small_issue u_issue (
    .aclk               (aclk),
    .aresetn            (aresetn),
    .token_valid        (token_valid),
    .token_ready        (token_ready),
    .token              (token),
    .frame_busy         (frame_busy),
    .free_pixels        (free_pixels),
    .taken              (taken),
    .grad_address       (grad_address),
    .weight_address     (weight_address),
    .acc_first          (acc_first),
    .acc_last           (acc_last),
    .frame_last         (frame_last),
    .skip_write         (skip_write),
    .skip_slot          (skip_slot),
    .skip_beats         (skip_beats),
    .cfg_fifo_results   (cfg_fifo_results),
    .cfg_issue_ring     (cfg_issue_ring),
    .cfg_free_row_end   (cfg_free_row_end),
    .cfg_free_frame_end (cfg_free_frame_end)
  );

  depthwise_small_lanes u_lanes (
    .aclk      (aclk),
    .grad      (grad_word),
    .weight    (weight_word),
    .acc_first (first_line_q[5]),
    .acc       (acc)
  );

  depthwise_small_result u_result (
    .aclk          (aclk),
    .aresetn       (aresetn),
    .write         (last_line_q[6]),
    .acc           (acc),
    .frame_last    (frame_last_line_q[6]),
    .skip_write    (skip_write),
    .skip_slot     (skip_slot),
    .skip_beats    (skip_beats),
    .taken         (taken),
    .tvalid        (m_axis_grad_input_tvalid),
    .tready        (m_axis_grad_input_tready),
    .tdata         (out_data),
    .tlast         (m_axis_grad_input_tlast),
    .frame_done    (frame_done),
    .cfg_end_beats (cfg_end_beats)
  );
endmodule

// Walks the pixels of grad_input that have taps, row by row, frame after frame without end, and
// hands a token for each to the issue loop. It knows nothing of data: the issue loop waits for it.
//
// Row walk -> row context -> (with the column walk) token. A pixel takes one cycle, so does an
// empty position that is visited; everything else without a tap is jumped over and only counted.
//
// Promise: `token_valid` with `token` stays until `token_ready`; a token moves in every cycle in
// which both are high; one token a cycle, also across rows and frames.
module depthwise_small_walk (
  input  wire        aclk,
  input  wire        aresetn,  // synchronous, active low
  output wire        token_valid,
  input  wire        token_ready,
  output wire [14:0] token,
  input  wire [3:0]  cfg_walk_ring,  // size of the line buffer in units of this block's addresses
  input  wire [2:0]  cfg_frame_step,  // units stored of a frame, modulo the line buffer
  input  wire [1:0]  cfg_row_visits_less_1,  // visits of a walk, less one
  input  wire [2:0]  cfg_row_address_step,  // units from a visit of a slot to its next
  input  wire [2:0]  cfg_row_address_clip,  // units from a visit of a slot to its next where its first tap leaves
  input  wire        cfg_row_weight_tap,  // weight units from tap to tap
  input  wire        cfg_row_first_skip,  // beats without a tap before the first visit
  input  wire        cfg_row_slot0_taps,  // taps at the first visit beyond those that every visit has
  input  wire [2:0]  cfg_row_slot0_address,  // line-buffer offset of its first tap, units
  input  wire        cfg_row_slot0_weight,  // weight offset of its first tap, units
  input  wire        cfg_row_slot0_clips,  // it leaves after the first visit
  input  wire        cfg_row_slot0_clipped,  // taps have left before the first visit
  input  wire        cfg_row_slot0_grows_left,  // taps that have yet to enter
  input  wire        cfg_row_slot0_opens_first,  // first visit needs new input
  input  wire        cfg_row_slot0_extra,  // pixels that the first visit opens beyond one position
  input  wire        cfg_row_slot0_opens,  // later visits need new input
  input  wire        cfg_row_slot0_closes,  // holds the kernel's last tap
  input  wire        cfg_row_slot0_skip,  // beats without a tap since the visit before
  input  wire [2:0]  cfg_row_slot0_clip_after,  // visits left at its last visit before its first tap leaves
  input  wire [2:0]  cfg_col_visits_less_1,  // visits of a walk, less one
  input  wire [2:0]  cfg_col_address_step,  // units from a visit of a slot to its next
  input  wire [2:0]  cfg_col_address_clip,  // units from a visit of a slot to its next where its first tap leaves
  input  wire        cfg_col_weight_tap,  // weight units from tap to tap
  input  wire        cfg_col_first_skip,  // beats without a tap before the first visit
  input  wire        cfg_col_slot0_taps,  // taps at the first visit beyond those that every visit has
  input  wire [2:0]  cfg_col_slot0_address,  // line-buffer offset of its first tap, units
  input  wire        cfg_col_slot0_weight,  // weight offset of its first tap, units
  input  wire        cfg_col_slot0_clips,  // it leaves after the first visit
  input  wire        cfg_col_slot0_clipped,  // taps have left before the first visit
  input  wire        cfg_col_slot0_grows_left,  // taps that have yet to enter
  input  wire        cfg_col_slot0_opens_first,  // first visit needs new input
  input  wire        cfg_col_slot0_extra,  // pixels that the first visit opens beyond one position
  input  wire        cfg_col_slot0_opens,  // later visits need new input
  input  wire        cfg_col_slot0_closes,  // holds the kernel's last tap
  input  wire        cfg_col_slot0_skip,  // beats without a tap since the visit before
  input  wire [3:0]  cfg_col_slot0_clip_after,  // visits left at its last visit before its first tap leaves
  input  wire        cfg_col_slot1_taps,  // taps at the first visit beyond those that every visit has
  input  wire [2:0]  cfg_col_slot1_address,  // line-buffer offset of its first tap, units
  input  wire        cfg_col_slot1_weight,  // weight offset of its first tap, units
  input  wire        cfg_col_slot1_clips,  // it leaves after the first visit
  input  wire        cfg_col_slot1_clipped,  // taps have left before the first visit
  input  wire        cfg_col_slot1_grows_left,  // taps that have yet to enter
  input  wire        cfg_col_slot1_opens_first,  // first visit needs new input
  input  wire        cfg_col_slot1_extra,  // pixels that the first visit opens beyond one position
  input  wire        cfg_col_slot1_opens,  // later visits need new input
  input  wire        cfg_col_slot1_closes,  // holds the kernel's last tap
  input  wire        cfg_col_slot1_skip,  // beats without a tap since the visit before
  input  wire [3:0]  cfg_col_slot1_clip_after  // visits left at its last visit before its first tap leaves
);
  reg         row_advance;
  wire        row_taps;
  wire [2:0]  row_address;
  wire        row_weight;
  wire        row_opens;
  wire        row_extra;
  wire        row_closes;
  wire        row_last;
  wire        row_skip;
  reg         col_advance;
  wire        col_taps;
  wire [2:0]  col_address;
  wire        col_weight;
  wire        col_opens;
  wire        col_extra;
  wire        col_closes;
  wire        col_last;
  wire        col_skip;
  reg  [2:0]  base_q, base_d;  // ring address of the frame's first stored pixel
  reg         ctx_valid_q, ctx_valid_d;
  reg  [2:0]  ctx_address_q, ctx_address_d;
  reg         ctx_weight_q, ctx_weight_d;
  reg         ctx_taps_q, ctx_taps_d;  // tap rows, less one
  reg         ctx_opens_q, ctx_opens_d;
  reg         ctx_closes_q, ctx_closes_d;
  reg         ctx_extra_q, ctx_extra_d;
  reg         ctx_first_q, ctx_first_d;  // first row of the frame
  reg         ctx_last_q, ctx_last_d;  // last row of the frame
  reg         frame_start_q, frame_start_d;  // the next row is a frame's first
  reg         row_start_q, row_start_d;  // the next pixel is a row's first
  reg         ctx_skip_q, ctx_skip_d;  // beats without a tap ahead of the row
  reg         raw_valid_q, raw_valid_d;
  reg  [3:0]  raw_address_q, raw_address_d;  // below twice the ring
  reg         raw_weight_q, raw_weight_d;
  reg         raw_rows_q, raw_rows_d;
  reg         raw_cols_q, raw_cols_d;
  reg  [3:0]  raw_need_q, raw_need_d;  // pixels that must have arrived since reset
  reg         raw_closes_q, raw_closes_d;
  reg         raw_closes_row_q, raw_closes_row_d;
  reg         raw_first_q, raw_first_d;
  reg         raw_last_q, raw_last_d;
  reg         raw_skip_q, raw_skip_d;
  reg         row_taken_q, row_taken_d;  // a row was taken in the cycle before
  reg         row_empty;
  reg         row_load;
  reg         row_done;
  reg         col_empty;
  reg         emit;
  reg         room;
  reg         frame_end;
  reg  [3:0]  row_base_sum;
  reg  [2:0]  row_base;
  reg  [4:0]  row_base_wrapped;  // negative: no wrap is due
  wire        unused_row_base_wrapped;
  reg  [3:0]  next_base_sum;
  reg  [2:0]  next_base;
  reg  [4:0]  next_base_wrapped;  // negative: no wrap is due
  wire        unused_next_base_wrapped;
  reg         opens;
  reg  [2:0]  start_address;
  reg  [4:0]  start_address_wrapped;  // negative: no wrap is due
  wire        unused_start_address_wrapped;
  reg  [14:0] raw_token;

  assign unused_row_base_wrapped = row_base_wrapped[3];
  assign unused_next_base_wrapped = next_base_wrapped[3];
  assign unused_start_address_wrapped = start_address_wrapped[3];
  assign token_valid = raw_valid_q;
  assign token = raw_token;

  always @* begin
    base_d = base_q;
    ctx_valid_d = ctx_valid_q;
    ctx_address_d = ctx_address_q;
    ctx_weight_d = ctx_weight_q;
    ctx_taps_d = ctx_taps_q;
    ctx_opens_d = ctx_opens_q;
    ctx_closes_d = ctx_closes_q;
    ctx_extra_d = ctx_extra_q;
    ctx_first_d = ctx_first_q;
    ctx_last_d = ctx_last_q;
    frame_start_d = frame_start_q;
    row_start_d = row_start_q;
    ctx_skip_d = ctx_skip_q;
    raw_valid_d = raw_valid_q;
    raw_address_d = raw_address_q;
    raw_weight_d = raw_weight_q;
    raw_rows_d = raw_rows_q;
    raw_cols_d = raw_cols_q;
    raw_need_d = raw_need_q;
    raw_closes_d = raw_closes_q;
    raw_closes_row_d = raw_closes_row_q;
    raw_first_d = raw_first_q;
    raw_last_d = raw_last_q;
    raw_skip_d = raw_skip_q;
    // What moves in this cycle.
    room = token_ready | ~raw_valid_q;
    row_empty = 1'd0;
    col_empty = 1'd0;
    emit = ctx_valid_q & room & ~col_empty;
    col_advance = ctx_valid_q & (room | col_empty);
    row_done = emit & col_last;
    row_load = (row_done | ~ctx_valid_q) & ~row_empty;
    row_taken_d = row_load;
    row_advance = row_taken_q;
    frame_end = ctx_last_q & col_last;
    row_base_sum = {1'd0, base_q} + {1'd0, row_address};
    row_base_wrapped = {1'd0, row_base_sum} - {1'd0, cfg_walk_ring};
    row_base = row_base_wrapped[2:0];
    if (row_base_wrapped[4]) begin
      row_base = row_base_sum[2:0];
    end
    next_base_sum = {1'd0, base_q} + {1'd0, cfg_frame_step};
    next_base_wrapped = {1'd0, next_base_sum} - {1'd0, cfg_walk_ring};
    next_base = next_base_wrapped[2:0];
    if (next_base_wrapped[4]) begin
      next_base = next_base_sum[2:0];
    end
    // The next row that has taps.
    if (row_done) begin
      ctx_valid_d = 1'd0;
    end
    if (row_load) begin
      ctx_valid_d = 1'd1;
      ctx_address_d = row_base;
      ctx_weight_d = row_weight;
      ctx_taps_d = row_taps;
      ctx_opens_d = row_opens;
      ctx_closes_d = row_closes;
      ctx_extra_d = row_extra;
      ctx_first_d = frame_start_q;
      ctx_last_d = row_last;
      frame_start_d = row_last;
      if (row_last) begin
        base_d = next_base;
      end
    end
    if (row_load) begin
      ctx_skip_d = row_skip;
    end
    // Pixels of grad_output that this one is the first to need.
    opens = 1'd0;
    if (ctx_opens_q) begin
      opens = col_extra + col_opens;
    end
    if (row_start_q) begin
      opens = opens + ctx_extra_q;
    end
    // The next pixel that has taps.
    if (room) begin
      raw_valid_d = emit;
    end
    if (emit) begin
      row_start_d = col_last;
      raw_address_d = {1'd0, ctx_address_q} + {1'd0, col_address};
      raw_weight_d = ctx_weight_q + col_weight;
      raw_rows_d = ctx_taps_q;
      raw_cols_d = col_taps;
      raw_need_d = raw_need_q + {3'd0, opens};
      raw_closes_d = ctx_closes_q & col_closes;
      raw_closes_row_d = ctx_closes_q & col_last;
      raw_first_d = ctx_first_q & row_start_q;
      raw_last_d = frame_end;
    end
    if (emit) begin
      raw_skip_d = col_skip;
      if (row_start_q) begin
        raw_skip_d = col_skip + ctx_skip_q;
      end
    end
    start_address_wrapped = {1'd0, raw_address_q} - {1'd0, cfg_walk_ring};
    start_address = start_address_wrapped[2:0];
    if (start_address_wrapped[4]) begin
      start_address = raw_address_q[2:0];
    end
    raw_token[2:0] = start_address;
    raw_token[3] = raw_weight_q;
    raw_token[4] = raw_rows_q;
    raw_token[5] = raw_cols_q;
    raw_token[9:6] = raw_need_q;
    raw_token[10] = raw_closes_q;
    raw_token[11] = raw_closes_row_q;
    raw_token[12] = raw_first_q;
    raw_token[13] = raw_last_q;
    raw_token[14] = raw_skip_q;
  end

  always @(posedge aclk) begin
    if (~aresetn) begin
      base_q <= 3'd0;
      ctx_valid_q <= 1'd0;
      frame_start_q <= 1'd1;
      row_start_q <= 1'd1;
      raw_valid_q <= 1'd0;
      raw_need_q <= 4'd0;
      row_taken_q <= 1'd0;
    end else begin
      base_q <= base_d;
      ctx_valid_q <= ctx_valid_d;
      frame_start_q <= frame_start_d;
      row_start_q <= row_start_d;
      raw_valid_q <= raw_valid_d;
      raw_need_q <= raw_need_d;
      row_taken_q <= row_taken_d;
    end
    ctx_address_q <= ctx_address_d;
    ctx_weight_q <= ctx_weight_d;
    ctx_taps_q <= ctx_taps_d;
    ctx_opens_q <= ctx_opens_d;
    ctx_closes_q <= ctx_closes_d;
    ctx_extra_q <= ctx_extra_d;
    ctx_first_q <= ctx_first_d;
    ctx_last_q <= ctx_last_d;
    ctx_skip_q <= ctx_skip_d;
    raw_address_q <= raw_address_d;
    raw_weight_q <= raw_weight_d;
    raw_rows_q <= raw_rows_d;
    raw_cols_q <= raw_cols_d;
    raw_closes_q <= raw_closes_d;
    raw_closes_row_q <= raw_closes_row_d;
    raw_first_q <= raw_first_d;
    raw_last_q <= raw_last_d;
    raw_skip_q <= raw_skip_d;
  end

  depthwise_small_walk_rows u_rows (
    .aclk                      (aclk),
    .aresetn                   (aresetn),
    .advance                   (row_advance),
    .taps                      (row_taps),
    .address                   (row_address),
    .weight                    (row_weight),
    .opens                     (row_opens),
    .extra                     (row_extra),
    .closes                    (row_closes),
    .last                      (row_last),
    .skip                      (row_skip),
    .cfg_row_visits_less_1     (cfg_row_visits_less_1),
    .cfg_row_address_step      (cfg_row_address_step),
    .cfg_row_address_clip      (cfg_row_address_clip),
    .cfg_row_weight_tap        (cfg_row_weight_tap),
    .cfg_row_first_skip        (cfg_row_first_skip),
    .cfg_walk_ring             (cfg_walk_ring),
    .cfg_row_slot0_taps        (cfg_row_slot0_taps),
    .cfg_row_slot0_address     (cfg_row_slot0_address),
    .cfg_row_slot0_weight      (cfg_row_slot0_weight),
    .cfg_row_slot0_clips       (cfg_row_slot0_clips),
    .cfg_row_slot0_clipped     (cfg_row_slot0_clipped),
    .cfg_row_slot0_grows_left  (cfg_row_slot0_grows_left),
    .cfg_row_slot0_opens_first (cfg_row_slot0_opens_first),
    .cfg_row_slot0_extra       (cfg_row_slot0_extra),
    .cfg_row_slot0_opens       (cfg_row_slot0_opens),
    .cfg_row_slot0_closes      (cfg_row_slot0_closes),
    .cfg_row_slot0_skip        (cfg_row_slot0_skip),
    .cfg_row_slot0_clip_after  (cfg_row_slot0_clip_after)
  );

  depthwise_small_walk_cols u_cols (
    .aclk                      (aclk),
    .aresetn                   (aresetn),
    .advance                   (col_advance),
    .taps                      (col_taps),
    .address                   (col_address),
    .weight                    (col_weight),
    .opens                     (col_opens),
    .extra                     (col_extra),
    .closes                    (col_closes),
    .last                      (col_last),
    .skip                      (col_skip),
    .cfg_col_visits_less_1     (cfg_col_visits_less_1),
    .cfg_col_address_step      (cfg_col_address_step),
    .cfg_col_address_clip      (cfg_col_address_clip),
    .cfg_col_weight_tap        (cfg_col_weight_tap),
    .cfg_col_first_skip        (cfg_col_first_skip),
    .cfg_walk_ring             (cfg_walk_ring),
    .cfg_col_slot0_taps        (cfg_col_slot0_taps),
    .cfg_col_slot0_address     (cfg_col_slot0_address),
    .cfg_col_slot0_weight      (cfg_col_slot0_weight),
    .cfg_col_slot0_clips       (cfg_col_slot0_clips),
    .cfg_col_slot0_clipped     (cfg_col_slot0_clipped),
    .cfg_col_slot0_grows_left  (cfg_col_slot0_grows_left),
    .cfg_col_slot0_opens_first (cfg_col_slot0_opens_first),
    .cfg_col_slot0_extra       (cfg_col_slot0_extra),
    .cfg_col_slot0_opens       (cfg_col_slot0_opens),
    .cfg_col_slot0_closes      (cfg_col_slot0_closes),
    .cfg_col_slot0_skip        (cfg_col_slot0_skip),
    .cfg_col_slot0_clip_after  (cfg_col_slot0_clip_after),
    .cfg_col_slot1_taps        (cfg_col_slot1_taps),
    .cfg_col_slot1_address     (cfg_col_slot1_address),
    .cfg_col_slot1_weight      (cfg_col_slot1_weight),
    .cfg_col_slot1_clips       (cfg_col_slot1_clips),
    .cfg_col_slot1_clipped     (cfg_col_slot1_clipped),
    .cfg_col_slot1_grows_left  (cfg_col_slot1_grows_left),
    .cfg_col_slot1_opens_first (cfg_col_slot1_opens_first),
    .cfg_col_slot1_extra       (cfg_col_slot1_extra),
    .cfg_col_slot1_opens       (cfg_col_slot1_opens),
    .cfg_col_slot1_closes      (cfg_col_slot1_closes),
    .cfg_col_slot1_skip        (cfg_col_slot1_skip),
    .cfg_col_slot1_clip_after  (cfg_col_slot1_clip_after)
  );
endmodule

// Walks one axis of grad_input, position by position, and tells for each which taps of the kernel
// reach it. Taps of one position follow one another at constant steps, so their number and the
// first one's offsets say all.
//
// Only positions of a live phase (one that some tap can reach) are visited, from the first to the
// last with a tap. Each live phase has a slot; slots take turns. A slot's state holds for its next
// visit: taps enter at the near border and leave at the far border, at most one each a visit.
//
// Promise: the outputs describe the present visit and are valid in every cycle after reset;
// `advance` moves to the next visit in one cycle, and from the last straight to the first.
module depthwise_small_walk_rows (
  input  wire       aclk,
  input  wire       aresetn,  // synchronous, active low
  input  wire       advance,  // go to the next visit
  output wire       taps,  // taps here beyond those that every visit has
  output wire [2:0] address,  // line-buffer offset of the first tap
  output wire       weight,  // weight offset of the first tap
  output wire       opens,  // needs grad_output that no visit before needed
  output wire       extra,  // pixels it opens beyond one position
  output wire       closes,  // one position of grad_output is dead after it
  output wire       last,  // last visit of the walk
  output wire       skip,  // beats without a tap since the visit before
  input  wire [1:0] cfg_row_visits_less_1,  // visits of a walk, less one
  input  wire [2:0] cfg_row_address_step,  // units from a visit of a slot to its next
  input  wire [2:0] cfg_row_address_clip,  // units from a visit of a slot to its next where its first tap leaves
  input  wire       cfg_row_weight_tap,  // weight units from tap to tap
  input  wire       cfg_row_first_skip,  // beats without a tap before the first visit
  input  wire [3:0] cfg_walk_ring,  // size of the line buffer in units of this block's addresses
  input  wire       cfg_row_slot0_taps,  // taps at the first visit beyond those that every visit has
  input  wire [2:0] cfg_row_slot0_address,  // line-buffer offset of its first tap, units
  input  wire       cfg_row_slot0_weight,  // weight offset of its first tap, units
  input  wire       cfg_row_slot0_clips,  // it leaves after the first visit
  input  wire       cfg_row_slot0_clipped,  // taps have left before the first visit
  input  wire       cfg_row_slot0_grows_left,  // taps that have yet to enter
  input  wire       cfg_row_slot0_opens_first,  // first visit needs new input
  input  wire       cfg_row_slot0_extra,  // pixels that the first visit opens beyond one position
  input  wire       cfg_row_slot0_opens,  // later visits need new input
  input  wire       cfg_row_slot0_closes,  // holds the kernel's last tap
  input  wire       cfg_row_slot0_skip,  // beats without a tap since the visit before
  input  wire [2:0] cfg_row_slot0_clip_after  // visits left at its last visit before its first tap leaves
);
  reg        taps_q, taps_d;
  reg  [2:0] address_q, address_d;
  reg        weight_q, weight_d;
  reg        clips_q, clips_d;
  reg        clipped_q, clipped_d;
  reg        grows_left_q, grows_left_d;
  reg        fresh_q, fresh_d;  // first round of the slots
  reg  [1:0] visits_left_q, visits_left_d;  // visits after this one
  reg        at_last_q, at_last_d;
  reg        again_taps;
  reg  [2:0] again_address;
  reg        again_weight;
  reg        again_clips;
  reg        again_clipped;
  reg        again_grows_left;
  reg        clip;  // the first tap leaves at the far border
  reg        grow;  // a tap enters at the near border
  reg  [2:0] step;
  reg  [3:0] wrapping;  // the step less the line buffer
  reg  [2:0] moved_sum;
  reg  [3:0] moved_wrapped;  // negative: no wrap is due
  reg  [2:0] moved;
  reg        wrap;  // from the last visit to the first
  reg        opening;
  reg        opened;
  reg        closing;
  reg        skipped;

  assign taps = taps_q;
  assign address = address_q;
  assign weight = weight_q;
  assign last = at_last_q;
  assign opens = opening;
  assign extra = opened;
  assign closes = closing;
  assign skip = skipped;

  always @* begin
    // What this visit opens and closes.
    opening = cfg_row_slot0_opens & ~clipped_q;
    opened = 1'd0;
    closing = cfg_row_slot0_closes & ~grows_left_q;
    skipped = cfg_row_slot0_skip;
    if (fresh_q) begin
      opening = cfg_row_slot0_opens_first;
      opened = cfg_row_slot0_extra;
    end
    if (fresh_q) begin
      skipped = cfg_row_first_skip;
    end
  end

  always @* begin
    taps_d = taps_q;
    address_d = address_q;
    weight_d = weight_q;
    clips_d = clips_q;
    clipped_d = clipped_q;
    grows_left_d = grows_left_q;
    fresh_d = fresh_q;
    visits_left_d = visits_left_q;
    at_last_d = at_last_q;
    // This slot's state at its next visit.
    clip = clips_q;
    grow = grows_left_q;
    again_taps = taps_q;
    if (grow & ~clip) begin
      again_taps = taps_q + 1'd1;
    end else if (clip & ~grow) begin
      again_taps = taps_q - 1'd1;
    end
    again_grows_left = grows_left_q;
    if (grow) begin
      again_grows_left = grows_left_q - 1'd1;
    end
    again_clips = clips_q;
    if ({1'd0, visits_left_q} == cfg_row_slot0_clip_after) begin
      again_clips = 1'd1;
    end
    again_clipped = clipped_q;
    again_weight = weight_q;
    step = cfg_row_address_step;
    wrapping = {1'd0, cfg_row_address_step} - cfg_walk_ring;
    if (clip) begin
      again_clipped = 1'd1;
      again_weight = weight_q + cfg_row_weight_tap;
      step = cfg_row_address_clip;
      wrapping = {1'd0, cfg_row_address_clip} - cfg_walk_ring;
    end
    moved_sum = address_q + step;
    moved_wrapped = {1'd0, address_q} + wrapping;
    moved = moved_wrapped[2:0];
    if (moved_wrapped[3]) begin
      moved = moved_sum;
    end
    again_address = moved;
    // The slots take turns.
    if (advance) begin
      visits_left_d = visits_left_q - 2'd1;
      at_last_d = visits_left_q == 2'd1;
      taps_d = again_taps;
      address_d = again_address;
      weight_d = again_weight;
      clips_d = again_clips;
      clipped_d = again_clipped;
      grows_left_d = again_grows_left;
      fresh_d = 1'd0;
    end
    wrap = advance & at_last_q;
    // A new walk; by itself, because it is then no more than a synchronous reset.
    if (wrap) begin
      visits_left_d = cfg_row_visits_less_1;
      at_last_d = cfg_row_visits_less_1 == 2'd0;
      fresh_d = 1'd1;
      taps_d = cfg_row_slot0_taps;
      address_d = cfg_row_slot0_address;
      weight_d = cfg_row_slot0_weight;
      clips_d = cfg_row_slot0_clips;
      clipped_d = cfg_row_slot0_clipped;
      grows_left_d = cfg_row_slot0_grows_left;
    end
  end

  always @(posedge aclk) begin
    if (~aresetn) begin
      taps_q <= cfg_row_slot0_taps;
      address_q <= cfg_row_slot0_address;
      weight_q <= cfg_row_slot0_weight;
      clips_q <= cfg_row_slot0_clips;
      clipped_q <= cfg_row_slot0_clipped;
      grows_left_q <= cfg_row_slot0_grows_left;
      fresh_q <= 1'd1;
      visits_left_q <= cfg_row_visits_less_1;
      at_last_q <= cfg_row_visits_less_1 == 2'd0;
    end else begin
      taps_q <= taps_d;
      address_q <= address_d;
      weight_q <= weight_d;
      clips_q <= clips_d;
      clipped_q <= clipped_d;
      grows_left_q <= grows_left_d;
      fresh_q <= fresh_d;
      visits_left_q <= visits_left_d;
      at_last_q <= at_last_d;
    end
  end
endmodule

// Walks one axis of grad_input, position by position, and tells for each which taps of the kernel
// reach it. Taps of one position follow one another at constant steps, so their number and the
// first one's offsets say all.
//
// Only positions of a live phase (one that some tap can reach) are visited, from the first to the
// last with a tap. Each live phase has a slot; slots take turns. A slot's state holds for its next
// visit: taps enter at the near border and leave at the far border, at most one each a visit.
//
// Promise: the outputs describe the present visit and are valid in every cycle after reset;
// `advance` moves to the next visit in one cycle, and from the last straight to the first.
module depthwise_small_walk_cols (
  input  wire       aclk,
  input  wire       aresetn,  // synchronous, active low
  input  wire       advance,  // go to the next visit
  output wire       taps,  // taps here beyond those that every visit has
  output wire [2:0] address,  // line-buffer offset of the first tap
  output wire       weight,  // weight offset of the first tap
  output wire       opens,  // needs grad_output that no visit before needed
  output wire       extra,  // pixels it opens beyond one position
  output wire       closes,  // one position of grad_output is dead after it
  output wire       last,  // last visit of the walk
  output wire       skip,  // beats without a tap since the visit before
  input  wire [2:0] cfg_col_visits_less_1,  // visits of a walk, less one
  input  wire [2:0] cfg_col_address_step,  // units from a visit of a slot to its next
  input  wire [2:0] cfg_col_address_clip,  // units from a visit of a slot to its next where its first tap leaves
  input  wire       cfg_col_weight_tap,  // weight units from tap to tap
  input  wire       cfg_col_first_skip,  // beats without a tap before the first visit
  input  wire [3:0] cfg_walk_ring,  // size of the line buffer in units of this block's addresses
  input  wire       cfg_col_slot0_taps,  // taps at the first visit beyond those that every visit has
  input  wire [2:0] cfg_col_slot0_address,  // line-buffer offset of its first tap, units
  input  wire       cfg_col_slot0_weight,  // weight offset of its first tap, units
  input  wire       cfg_col_slot0_clips,  // it leaves after the first visit
  input  wire       cfg_col_slot0_clipped,  // taps have left before the first visit
  input  wire       cfg_col_slot0_grows_left,  // taps that have yet to enter
  input  wire       cfg_col_slot0_opens_first,  // first visit needs new input
  input  wire       cfg_col_slot0_extra,  // pixels that the first visit opens beyond one position
  input  wire       cfg_col_slot0_opens,  // later visits need new input
  input  wire       cfg_col_slot0_closes,  // holds the kernel's last tap
  input  wire       cfg_col_slot0_skip,  // beats without a tap since the visit before
  input  wire [3:0] cfg_col_slot0_clip_after,  // visits left at its last visit before its first tap leaves
  input  wire       cfg_col_slot1_taps,  // taps at the first visit beyond those that every visit has
  input  wire [2:0] cfg_col_slot1_address,  // line-buffer offset of its first tap, units
  input  wire       cfg_col_slot1_weight,  // weight offset of its first tap, units
  input  wire       cfg_col_slot1_clips,  // it leaves after the first visit
  input  wire       cfg_col_slot1_clipped,  // taps have left before the first visit
  input  wire       cfg_col_slot1_grows_left,  // taps that have yet to enter
  input  wire       cfg_col_slot1_opens_first,  // first visit needs new input
  input  wire       cfg_col_slot1_extra,  // pixels that the first visit opens beyond one position
  input  wire       cfg_col_slot1_opens,  // later visits need new input
  input  wire       cfg_col_slot1_closes,  // holds the kernel's last tap
  input  wire       cfg_col_slot1_skip,  // beats without a tap since the visit before
  input  wire [3:0] cfg_col_slot1_clip_after  // visits left at its last visit before its first tap leaves
);
  reg        taps_q, taps_d;
  reg  [2:0] address_q, address_d;
  reg        weight_q, weight_d;
  reg        clips_q, clips_d;
  reg        clipped_q, clipped_d;
  reg        grows_left_q, grows_left_d;
  reg        fresh_q, fresh_d;  // first round of the slots
  reg        slot_q, slot_d;  // slot of this visit
  reg  [2:0] visits_left_q, visits_left_d;  // visits after this one
  reg        at_last_q, at_last_d;
  reg        again_taps;
  reg  [2:0] again_address;
  reg        again_weight;
  reg        again_clips;
  reg        again_clipped;
  reg        again_grows_left;
  reg        clip;  // the first tap leaves at the far border
  reg        grow;  // a tap enters at the near border
  reg  [2:0] step;
  reg  [3:0] wrapping;  // the step less the line buffer
  reg  [2:0] moved_sum;
  reg  [3:0] moved_wrapped;  // negative: no wrap is due
  reg  [2:0] moved;
  reg        later1_taps_q, later1_taps_d;  // of a slot whose turn is later
  reg  [2:0] later1_address_q, later1_address_d;  // of a slot whose turn is later
  reg        later1_weight_q, later1_weight_d;  // of a slot whose turn is later
  reg        later1_clips_q, later1_clips_d;  // of a slot whose turn is later
  reg        later1_clipped_q, later1_clipped_d;  // of a slot whose turn is later
  reg        later1_grows_left_q, later1_grows_left_d;  // of a slot whose turn is later
  reg        wrap;  // from the last visit to the first
  reg        opening;
  reg        opened;
  reg        closing;
  reg        skipped;

  assign taps = taps_q;
  assign address = address_q;
  assign weight = weight_q;
  assign last = at_last_q;
  assign opens = opening;
  assign extra = opened;
  assign closes = closing;
  assign skip = skipped;

  always @* begin
    // What this visit opens and closes.
    case (slot_q)
      1'd0: begin
        opening = cfg_col_slot0_opens & ~clipped_q;
        opened = 1'd0;
        closing = cfg_col_slot0_closes & ~grows_left_q;
        skipped = cfg_col_slot0_skip;
        if (fresh_q) begin
          opening = cfg_col_slot0_opens_first;
          opened = cfg_col_slot0_extra;
        end
      end
      default: begin
        opening = cfg_col_slot1_opens & ~clipped_q;
        opened = 1'd0;
        closing = cfg_col_slot1_closes & ~grows_left_q;
        skipped = cfg_col_slot1_skip;
        if (fresh_q) begin
          opening = cfg_col_slot1_opens_first;
          opened = cfg_col_slot1_extra;
        end
      end
    endcase
    if (fresh_q & ~slot_q) begin
      skipped = cfg_col_first_skip;
    end
  end

  always @* begin
    taps_d = taps_q;
    address_d = address_q;
    weight_d = weight_q;
    clips_d = clips_q;
    clipped_d = clipped_q;
    grows_left_d = grows_left_q;
    fresh_d = fresh_q;
    slot_d = slot_q;
    visits_left_d = visits_left_q;
    at_last_d = at_last_q;
    later1_taps_d = later1_taps_q;
    later1_address_d = later1_address_q;
    later1_weight_d = later1_weight_q;
    later1_clips_d = later1_clips_q;
    later1_clipped_d = later1_clipped_q;
    later1_grows_left_d = later1_grows_left_q;
    // This slot's state at its next visit.
    clip = clips_q;
    grow = grows_left_q;
    again_taps = taps_q;
    if (grow & ~clip) begin
      again_taps = taps_q + 1'd1;
    end else if (clip & ~grow) begin
      again_taps = taps_q - 1'd1;
    end
    again_grows_left = grows_left_q;
    if (grow) begin
      again_grows_left = grows_left_q - 1'd1;
    end
    again_clips = clips_q;
    case (slot_q)
      1'd0: begin
        if ({1'd0, visits_left_q} == cfg_col_slot0_clip_after) begin
          again_clips = 1'd1;
        end
      end
      default: begin
        if ({1'd0, visits_left_q} == cfg_col_slot1_clip_after) begin
          again_clips = 1'd1;
        end
      end
    endcase
    again_clipped = clipped_q;
    again_weight = weight_q;
    step = cfg_col_address_step;
    wrapping = {1'd0, cfg_col_address_step} - cfg_walk_ring;
    if (clip) begin
      again_clipped = 1'd1;
      again_weight = weight_q + cfg_col_weight_tap;
      step = cfg_col_address_clip;
      wrapping = {1'd0, cfg_col_address_clip} - cfg_walk_ring;
    end
    moved_sum = address_q + step;
    moved_wrapped = {1'd0, address_q} + wrapping;
    moved = moved_wrapped[2:0];
    if (moved_wrapped[3]) begin
      moved = moved_sum;
    end
    again_address = moved;
    // The slots take turns.
    if (advance) begin
      visits_left_d = visits_left_q - 3'd1;
      at_last_d = visits_left_q == 3'd1;
      taps_d = later1_taps_q;
      address_d = later1_address_q;
      weight_d = later1_weight_q;
      clips_d = later1_clips_q;
      clipped_d = later1_clipped_q;
      grows_left_d = later1_grows_left_q;
      later1_taps_d = again_taps;
      later1_address_d = again_address;
      later1_weight_d = again_weight;
      later1_clips_d = again_clips;
      later1_clipped_d = again_clipped;
      later1_grows_left_d = again_grows_left;
      slot_d = slot_q + 1'd1;
      if (slot_q == 1'd1) begin
        slot_d = 1'd0;
        fresh_d = 1'd0;
      end
    end
    wrap = advance & at_last_q;
    // A new walk; by itself, because it is then no more than a synchronous reset.
    if (wrap) begin
      visits_left_d = cfg_col_visits_less_1;
      at_last_d = cfg_col_visits_less_1 == 3'd0;
      fresh_d = 1'd1;
      slot_d = 1'd0;
      taps_d = cfg_col_slot0_taps;
      address_d = cfg_col_slot0_address;
      weight_d = cfg_col_slot0_weight;
      clips_d = cfg_col_slot0_clips;
      clipped_d = cfg_col_slot0_clipped;
      grows_left_d = cfg_col_slot0_grows_left;
      later1_taps_d = cfg_col_slot1_taps;
      later1_address_d = cfg_col_slot1_address;
      later1_weight_d = cfg_col_slot1_weight;
      later1_clips_d = cfg_col_slot1_clips;
      later1_clipped_d = cfg_col_slot1_clipped;
      later1_grows_left_d = cfg_col_slot1_grows_left;
    end
  end

  always @(posedge aclk) begin
    if (~aresetn) begin
      taps_q <= cfg_col_slot0_taps;
      address_q <= cfg_col_slot0_address;
      weight_q <= cfg_col_slot0_weight;
      clips_q <= cfg_col_slot0_clips;
      clipped_q <= cfg_col_slot0_clipped;
      grows_left_q <= cfg_col_slot0_grows_left;
      fresh_q <= 1'd1;
      slot_q <= 1'd0;
      visits_left_q <= cfg_col_visits_less_1;
      at_last_q <= cfg_col_visits_less_1 == 3'd0;
      later1_taps_q <= cfg_col_slot1_taps;
      later1_address_q <= cfg_col_slot1_address;
      later1_weight_q <= cfg_col_slot1_weight;
      later1_clips_q <= cfg_col_slot1_clips;
      later1_clipped_q <= cfg_col_slot1_clipped;
      later1_grows_left_q <= cfg_col_slot1_grows_left;
    end else begin
      taps_q <= taps_d;
      address_q <= address_d;
      weight_q <= weight_d;
      clips_q <= clips_d;
      clipped_q <= clipped_d;
      grows_left_q <= grows_left_d;
      fresh_q <= fresh_d;
      slot_q <= slot_d;
      visits_left_q <= visits_left_d;
      at_last_q <= at_last_d;
      later1_taps_q <= later1_taps_d;
      later1_address_q <= later1_address_d;
      later1_weight_q <= later1_weight_d;
      later1_clips_q <= later1_clips_d;
      later1_clipped_q <= later1_clipped_d;
      later1_grows_left_q <= later1_grows_left_d;
    end
  end
endmodule

// Three-entry queue of pixel tokens between the walk and the issue loop. A token is held back until
// its grad_output has arrived, a frame's first one also until a whole set of weights is there: before,
// nothing of the frame has begun, and a new set of weights may still be meant for it.
//
// Every token passes through the second entry, so that whether it may leave is known, from a
// comparison there or at the head, in the cycle in which it is the head.
//
// Promise: `in_ready` and `out_valid` are registers; a token moves on each side in every cycle in
// which both flags of that side are high; nothing is lost or reordered; one token a cycle passes. A
// token can leave three cycles after the last beat that it needs was taken.
module depthwise_small_tokens (
  input  wire        aclk,
  input  wire        aresetn,  // synchronous, active low
  input  wire        in_valid,
  output wire        in_ready,
  input  wire [14:0] in_token,
  input  wire        arrived,  // one more pixel is in the line buffer
  input  wire        weights_ready,  // a whole set is in the weight memory
  output wire        out_valid,
  input  wire        out_ready,
  output wire [14:0] out_token
);
  reg         head_valid_q, head_valid_d;
  reg         second_valid_q, second_valid_d;
  reg         third_valid_q, third_valid_d;
  reg  [14:0] head_q, head_d;  // leaves next
  reg  [14:0] second_q, second_d;  // waits behind the head
  reg  [14:0] third_q, third_d;  // waits where the second cannot move
  reg         may_go_q, may_go_d;  // the head may leave
  reg  [3:0]  stored_q, stored_d;  // pixels stored since reset
  reg         to_head;  // the head is or becomes free
  reg         to_second;  // so does the second entry
  reg  [3:0]  head_lacks;  // negative: it needs what has not arrived
  reg  [3:0]  second_lacks;
  reg         head_stays;  // and may leave if its data is there
  reg         second_moves;  // to the head, and likewise
  wire        unused_head_lacks_low;
  wire        unused_second_lacks_low;

  assign unused_head_lacks_low = |head_lacks[2:0];
  assign unused_second_lacks_low = |second_lacks[2:0];
  assign in_ready = ~third_valid_q;
  assign out_valid = may_go_q;
  assign out_token = head_q;

  always @* begin
    head_valid_d = head_valid_q;
    second_valid_d = second_valid_q;
    head_d = head_q;
    second_d = second_q;
    third_d = third_q;
    stored_d = stored_q;
    to_head = out_ready | ~head_valid_q;
    to_second = to_head | ~second_valid_q;
    if (~third_valid_q) begin
      third_d = in_token;
    end
    third_valid_d = (in_valid | third_valid_q) & ~to_second;
    if (to_second) begin
      second_valid_d = in_valid | third_valid_q;
      second_d = in_token;
      if (third_valid_q) begin
        second_d = third_q;
      end
    end
    if (to_head) begin
      head_valid_d = second_valid_q;
      head_d = second_q;
    end
    if (arrived) begin
      stored_d = stored_q + 4'd1;
    end
    // Whether the token that is the head from the next cycle on may leave then.
    head_lacks = stored_q - head_q[9:6];
    head_stays = ~to_head & (weights_ready | ~head_q[12]);
    second_lacks = stored_q - second_q[9:6];
    second_moves = to_head & second_valid_q & (weights_ready | ~second_q[12]);
    may_go_d = (head_stays & ~head_lacks[3]) | (second_moves & ~second_lacks[3]);
  end

  always @(posedge aclk) begin
    if (~aresetn) begin
      head_valid_q <= 1'd0;
      second_valid_q <= 1'd0;
      third_valid_q <= 1'd0;
      may_go_q <= 1'd0;
      stored_q <= 4'd0;
    end else begin
      head_valid_q <= head_valid_d;
      second_valid_q <= second_valid_d;
      third_valid_q <= third_valid_d;
      may_go_q <= may_go_d;
      stored_q <= stored_d;
    end
    head_q <= head_d;
    second_q <= second_d;
    third_q <= third_d;
  end
endmodule

// Accepts the grad_output stream and writes it to the line buffer, a ring addressed by word in order
// of arrival. Pixels that no output needs are accepted and dropped.
//
// Promise: `tready` is a register and low in reset; a beat is taken in every cycle while the ring
// has space for its pixel; nothing is written over a pixel that `free_pixels` has not counted.
// `arrived` follows the last word of a stored pixel by one cycle. A misplaced `tlast` pulses one of
// the three error outputs two cycles later; frames are cut by count, so that it changes nothing else.
module depthwise_small_grad (
  input  wire        aclk,
  input  wire        aresetn,  // synchronous, active low
  input  wire        tvalid,
  output wire        tready,
  input  wire        tlast,
  input  wire [15:0] tdata,  // the bits that are values
  output wire        write,  // to the line buffer
  output wire [2:0]  write_address,
  output wire [15:0] write_data,
  output wire        arrived,  // a whole pixel is stored
  input  wire        free_pixels,  // pixels that may be written over
  output wire        frame_begin,  // first beat of a frame taken
  output wire        tlast_early,
  output wire        tlast_missing,
  output wire        tlast_late,
  input  wire [2:0]  cfg_line_pixels,  // pixels in the line buffer
  input  wire [2:0]  cfg_line_less_1,  // pixels in the line buffer, less one
  input  wire [2:0]  cfg_grad_rows_less_1,  // size of grad_output, less one
  input  wire [2:0]  cfg_first_kept_row,  // first one that some output needs
  input  wire [2:0]  cfg_last_kept_row,  // last one that some output needs
  input  wire        cfg_keeps_row_0,  // the first one is needed
  input  wire [1:0]  cfg_grad_cols_less_1,  // size of grad_output, less one
  input  wire [1:0]  cfg_first_kept_col,  // first one that some output needs
  input  wire [1:0]  cfg_last_kept_col,  // last one that some output needs
  input  wire        cfg_keeps_col_0  // the first one is needed
);
  reg  [2:0]  space_q, space_d;  // pixels free as of now, the one being filled included
  reg         ready_q, ready_d;
  reg         first_beat_q, first_beat_d;  // the next beat is a frame's first
  reg         stored_q, stored_d;  // it was the last of a pixel
  reg         write_q, write_d;
  reg  [15:0] data_q, data_d;
  reg         accept;
  reg         store;
  reg         word_end;  // last word of a pixel
  reg         pixel_end;
  reg         due;  // last beat of a frame
  reg  [2:0]  place_q, place_d;  // where the next one goes
  reg         place_at_last_q, place_at_last_d;
  reg         some_free;  // the next pixel has a place
  reg  [2:0]  row_q, row_d;  // of grad_output
  reg         row_at_last_q, row_at_last_d;
  reg         inside_row_q, inside_row_d;  // needed
  reg  [1:0]  col_q, col_d;  // of grad_output
  reg         col_at_last_q, col_at_last_d;
  reg         inside_col_q, inside_col_d;  // needed
  reg         tlast_came_q, tlast_came_d;  // with the beat taken in the cycle before
  reg         tlast_was_due_q, tlast_was_due_d;
  reg         overdue_q, overdue_d;  // tlast was missing and has not come since

  assign tlast_early = tlast_came_q & ~tlast_was_due_q & ~overdue_q;
  assign tlast_missing = tlast_was_due_q & ~tlast_came_q;
  assign tlast_late = tlast_came_q & ~tlast_was_due_q & overdue_q;
  assign tready = ready_q;
  assign write = write_q;
  assign write_data = data_q;
  assign write_address = place_q;
  assign arrived = stored_q;
  assign frame_begin = accept & first_beat_q;

  always @* begin
    first_beat_d = first_beat_q;
    place_d = place_q;
    place_at_last_d = place_at_last_q;
    row_d = row_q;
    row_at_last_d = row_at_last_q;
    col_d = col_q;
    col_at_last_d = col_at_last_q;
    overdue_d = overdue_q;
    accept = tvalid & ready_q;
    // Where in its frame a beat is.
    word_end = 1'd1;
    pixel_end = accept & word_end;
    due = word_end & (col_at_last_q & row_at_last_q);
    if (pixel_end) begin
      col_d = col_q + 2'd1;
      col_at_last_d = col_q == (cfg_grad_cols_less_1 - 2'd1);
    end
    if (pixel_end & col_at_last_q) begin
      col_d = 2'd0;
      col_at_last_d = cfg_grad_cols_less_1 == 2'd0;
    end
    inside_col_d = (col_d >= cfg_first_kept_col) & (cfg_last_kept_col >= col_d);
    if (pixel_end & col_at_last_q) begin
      row_d = row_q + 3'd1;
      row_at_last_d = row_q == (cfg_grad_rows_less_1 - 3'd1);
    end
    if (pixel_end & col_at_last_q & row_at_last_q) begin
      row_d = 3'd0;
      row_at_last_d = cfg_grad_rows_less_1 == 3'd0;
    end
    inside_row_d = (row_d >= cfg_first_kept_row) & (cfg_last_kept_row >= row_d);
    if (accept) begin
      first_beat_d = due;
    end
    // What of it is stored, and whether there is space for the next beat.
    store = accept & (inside_col_q & inside_row_q);
    space_d = space_q + {2'd0, free_pixels} - {2'd0, pixel_end & (inside_col_q & inside_row_q)};
    stored_d = pixel_end & (inside_col_q & inside_row_q);
    some_free = space_q != 3'd0;
    if (pixel_end & (inside_col_q & inside_row_q)) begin
      some_free = space_q >= 3'd2;
    end
    ready_d = some_free;
    write_d = store;
    data_d = tdata;
    // Where the beat goes that was taken in the cycle before.
    if (stored_q) begin
      place_d = place_q + 3'd1;
      place_at_last_d = place_q == (cfg_line_less_1 - 3'd1);
    end
    if (stored_q & place_at_last_q) begin
      place_d = 3'd0;
      place_at_last_d = cfg_line_less_1 == 3'd0;
    end
    // tlast against the count of beats.
    tlast_came_d = accept & tlast;
    tlast_was_due_d = accept & due;
    if (tlast_came_q) begin
      overdue_d = 1'd0;
    end
    if (tlast_was_due_q & ~tlast_came_q) begin
      overdue_d = 1'd1;
    end
  end

  always @(posedge aclk) begin
    if (~aresetn) begin
      space_q <= cfg_line_pixels;
      ready_q <= 1'd0;
      first_beat_q <= 1'd1;
      stored_q <= 1'd0;
      write_q <= 1'd0;
      place_q <= 3'd0;
      place_at_last_q <= cfg_line_less_1 == 3'd0;
      row_q <= 3'd0;
      row_at_last_q <= cfg_grad_rows_less_1 == 3'd0;
      inside_row_q <= cfg_keeps_row_0;
      col_q <= 2'd0;
      col_at_last_q <= cfg_grad_cols_less_1 == 2'd0;
      inside_col_q <= cfg_keeps_col_0;
      tlast_came_q <= 1'd0;
      tlast_was_due_q <= 1'd0;
      overdue_q <= 1'd0;
    end else begin
      space_q <= space_d;
      ready_q <= ready_d;
      first_beat_q <= first_beat_d;
      stored_q <= stored_d;
      write_q <= write_d;
      place_q <= place_d;
      place_at_last_q <= place_at_last_d;
      row_q <= row_d;
      row_at_last_q <= row_at_last_d;
      inside_row_q <= inside_row_d;
      col_q <= col_d;
      col_at_last_q <= col_at_last_d;
      inside_col_q <= inside_col_d;
      tlast_came_q <= tlast_came_d;
      tlast_was_due_q <= tlast_was_due_d;
      overdue_q <= overdue_d;
    end
    data_q <= data_d;
  end
endmodule

// Memory with one write and one read port.
// `read_data` follows `read_address` by three cycles.
// A word written in one cycle can be read from the second after it.
module depthwise_small_line_buffer (
  input  wire        aclk,
  input  wire        write,
  input  wire [2:0]  write_address,
  input  wire [15:0] write_data,
  input  wire [2:0]  read_address,
  output wire [15:0] read_data
);

  // No use is made of a word that is read while it is written.
  (* no_rw_check *)
  reg [15:0] words [0:4];
  reg write_q;
  reg [2:0] write_address_q;
  reg [15:0] write_data_q;
  reg [15:0] read_q;
  reg [15:0] output_q;
  reg [15:0] read_data_q;

  assign read_data = read_data_q;

  always @(posedge aclk) begin
    write_q <= write;
    write_address_q <= write_address;
    write_data_q <= write_data;
    if (write_q) words[write_address_q] <= write_data_q;
    read_q <= words[read_address];
    output_q <= read_q;
    read_data_q <= output_q;
  end
endmodule

// Accepts the weight stream and writes the set to the weight memory in order of arrival.
//
// A set stays while frames pass. A beat that waits while no frame is being issued begins a new set;
// frames whose issue has not begun then wait for the whole of it.
//
// Promise: `tready` is a register and low in reset; `weights_ready` is high only while a whole set
// is in the memory; the memory is never written while a frame reads it.
module depthwise_small_weight (
  input  wire  aclk,
  input  wire  aresetn,  // synchronous, active low
  input  wire  tvalid,
  output wire  tready,
  input  wire  tlast,
  output wire  write,  // to the weight memory
  output wire  write_address,
  output wire  weights_ready,
  input  wire  frame_busy,  // a frame reads the memory
  output wire  tlast_early,
  output wire  tlast_missing,
  output wire  tlast_late,
  input  wire  cfg_weight_words_less_1  // beats of a set of weights, less one
);
  reg        loading_q, loading_d;  // a set is being taken
  reg        ready_q, ready_d;
  reg        usable_q, usable_d;  // whole, and no other set waits
  reg  [1:0] told_q, told_d;  // `usable` in the two cycles before: a frame may begin by it and not yet be seen
  reg        accept;
  reg        address_q, address_d;  // where the next word goes
  reg        address_at_last_q, address_at_last_d;
  reg        due;  // last beat of a set
  reg        tlast_came_q, tlast_came_d;  // with the beat taken in the cycle before
  reg        tlast_was_due_q, tlast_was_due_d;
  reg        overdue_q, overdue_d;  // tlast was missing and has not come since

  assign tlast_early = tlast_came_q & ~tlast_was_due_q & ~overdue_q;
  assign tlast_missing = tlast_was_due_q & ~tlast_came_q;
  assign tlast_late = tlast_came_q & ~tlast_was_due_q & overdue_q;
  assign write = accept;
  assign write_address = address_q;
  assign weights_ready = usable_q;
  assign tready = ready_q;

  always @* begin
    loading_d = loading_q;
    told_d = told_q;
    address_d = address_q;
    address_at_last_d = address_at_last_q;
    overdue_d = overdue_q;
    accept = tvalid & ready_q;
    // A set ends by count; another begins where a beat waits and no frame reads.
    due = address_at_last_q;
    if (loading_q) begin
      if (accept & due) begin
        loading_d = 1'd0;
      end
    end else if (tvalid & ~(usable_q | |told_q | frame_busy)) begin
      loading_d = 1'd1;
    end
    ready_d = loading_d;
    usable_d = ~loading_d & ~tvalid;
    told_d[0] = usable_q;
    told_d[1] = told_q[0];
    if (accept) begin
      address_d = address_q + 1'd1;
      address_at_last_d = address_q == (cfg_weight_words_less_1 - 1'd1);
    end
    if (~loading_q) begin
      address_d = 1'd0;
      address_at_last_d = ~cfg_weight_words_less_1;
    end
    // tlast against the count of beats.
    tlast_came_d = accept & tlast;
    tlast_was_due_d = accept & due;
    if (tlast_came_q) begin
      overdue_d = 1'd0;
    end
    if (tlast_was_due_q & ~tlast_came_q) begin
      overdue_d = 1'd1;
    end
  end

  always @(posedge aclk) begin
    if (~aresetn) begin
      loading_q <= 1'd1;
      ready_q <= 1'd0;
      usable_q <= 1'd0;
      told_q <= 2'd0;
      address_q <= 1'd0;
      address_at_last_q <= ~cfg_weight_words_less_1;
      tlast_came_q <= 1'd0;
      tlast_was_due_q <= 1'd0;
      overdue_q <= 1'd0;
    end else begin
      loading_q <= loading_d;
      ready_q <= ready_d;
      usable_q <= usable_d;
      told_q <= told_d;
      address_q <= address_d;
      address_at_last_q <= address_at_last_d;
      tlast_came_q <= tlast_came_d;
      tlast_was_due_q <= tlast_was_due_d;
      overdue_q <= overdue_d;
    end
  end
endmodule

// Memory with one write and one read port.
// `read_data` follows `read_address` by three cycles.
// A word written in one cycle can be read from the second after it.
module depthwise_small_weights (
  input  wire        aclk,
  input  wire        write,
  input  wire        write_address,
  input  wire [15:0] write_data,
  input  wire        read_address,
  output wire [15:0] read_data
);

  // No use is made of a word that is read while it is written.
  (* no_rw_check *)
  reg [15:0] words [0:1];
  reg write_q;
  reg [0:0] write_address_q;
  reg [15:0] write_data_q;
  reg [15:0] read_q;
  reg [15:0] output_q;
  reg [15:0] read_data_q;

  assign read_data = read_data_q;

  always @(posedge aclk) begin
    write_q <= write;
    write_address_q <= write_address;
    write_data_q <= write_data;
    if (write_q) words[write_address_q] <= write_data_q;
    read_q <= words[read_address];
    output_q <= read_q;
    read_data_q <= output_q;
  end
endmodule

// Issue loop. For each pixel token: blocks of C, tap rows, tap columns, blocks of K; one issue a
// cycle, each a line-buffer read and a weight read. Each loop runs forth and back in turn, so that
// every step of an address is one constant and no loop has a start to return to: the order within
// an accumulation does not change an exact sum.
//
// Three steps: the loops stand one issue ahead and name the next one; that one waits in `next_*`
// with its constants; when it goes, the addresses take them.
//
// A pixel enters the loops when its grad_output has arrived (its token says so). An accumulation
// (all taps and blocks of K of one block of C) starts when the output FIFO has a free place; once
// started it never stalls, so nothing behind this block knows of stalls.
//
// Promise: addresses and flags are registers, two cycles behind `go`; `acc_first` and `acc_last`
// mark an accumulation's first and last issue; the next pixel follows the last issue of the one
// before without a gap when its token and a place in the FIFO are there. `free_pixels` counts the
// pixels of grad_output that are dead once the reads already issued are done.
module depthwise_small_issue (
  input  wire        aclk,
  input  wire        aresetn,  // synchronous, active low
  input  wire        token_valid,  // its data and a whole set of weights are there
  output wire        token_ready,
  input  wire [14:0] token,
  output wire        frame_busy,  // a pixel entered, and its frame is not done
  output wire        free_pixels,  // pixels dead as of now
  input  wire        taken,  // one more place in the output FIFO is free
  output wire [2:0]  grad_address,  // line-buffer read
  output wire        weight_address,  // weight read
  output wire        acc_first,
  output wire        acc_last,  // low while nothing is issued
  output wire        frame_last,  // with acc_last: last result of a frame
  output wire        skip_write,  // an accumulation starts
  output wire [3:0]  skip_slot,  // its place in the output FIFO
  output wire        skip_beats,  // beats without a tap ahead of its result
  input  wire [4:0]  cfg_fifo_results,  // results that the output FIFO holds
  input  wire [3:0]  cfg_issue_ring,  // size of the line buffer in units of this block's addresses
  input  wire        cfg_free_row_end,  // pixels freed at the end of a row that closes one
  input  wire        cfg_free_frame_end  // pixels freed at the end of a frame
);
  wire [2:0] token_address;
  wire       token_weight;
  wire       token_closes;
  wire       token_closes_row;
  wire       token_frame_last;
  wire       token_skip;
  reg        active_q, active_d;  // a pixel is in the loops
  reg        next_valid_q, next_valid_d;  // an issue waits to go
  reg        next_first_q, next_first_d;  // it is an accumulation's first
  reg  [4:0] places_q, places_d;  // free places in the output FIFO
  reg        place_free_q, place_free_d;  // the count is not zero
  reg        places_two;  // there are two at least
  reg  [4:0] places_step;  // one up or down
  reg        blocked_q, blocked_d;  // that issue is a start without a place
  reg        go;  // the issue that waits goes
  reg        advance;  // the loops' issue takes its place
  reg        turn;  // and the loops go to the next
  reg        start;  // an accumulation starts
  reg        acc_end;  // the loops stand at an accumulation's last issue
  reg        pixel_end;  // and at a pixel's
  reg        vacant;  // the loops have no pixel after this cycle
  reg        load;  // the next pixel enters them
  reg        at_first_q, at_first_d;  // at the pixel's first issue
  reg        acc_start_q, acc_start_d;  // at an accumulation's first issue
  reg        held_closes_q, held_closes_d;  // a pixel of grad_output is dead after it
  reg        held_closes_row_q, held_closes_row_d;  // so is what is left of a row
  reg        held_frame_last_q, held_frame_last_d;  // last pixel of the frame
  reg  [2:0] start_grad_q, start_grad_d;  // address of the pixel's first tap
  reg        start_weight_q, start_weight_d;
  reg        next_closes_q, next_closes_d;  // a pixel of grad_output is dead after it
  reg        next_closes_row_q, next_closes_row_d;  // so is what is left of a row
  reg        next_frame_last_q, next_frame_last_d;  // last pixel of the frame
  reg        next_last_q, next_last_d;  // it is an accumulation's last
  reg        next_done_q, next_done_d;  // and its pixel's
  reg        next_fresh_q, next_fresh_d;  // its address is a start, not a step
  reg  [2:0] next_grad_q, next_grad_d;  // words to it
  reg  [3:0] next_wrapped_q, next_wrapped_d;  // less a whole line buffer
  reg        next_weight_q, next_weight_d;
  reg  [2:0] now_grad_q, now_grad_d;
  reg        now_weight_q, now_weight_d;
  reg  [2:0] out_grad_q, out_grad_d;
  reg        out_weight_q, out_weight_d;
  reg  [2:0] grad_sum;
  reg  [3:0] grad_wrapped;
  reg        weight_sum;
  reg        in_frame_q, in_frame_d;
  reg        out_free_q, out_free_d;  // the last read of these is on its way
  reg        done;  // a pixel's last issue goes
  reg        skip_write_q, skip_write_d;
  reg  [3:0] next_slot_q, next_slot_d;  // place of the next accumulation
  reg  [3:0] slot_q, slot_d;
  reg        skip_q, skip_d;
  reg        held_skip_q, held_skip_d;
  reg        next_skip_q, next_skip_d;
  reg  [1:0] first_line_q, first_line_d;  // travels beside the issue
  reg        acc_ends;  // an accumulation's last issue goes
  reg  [1:0] last_line_q, last_line_d;  // travels beside the issue
  reg        frame_ends;
  reg  [1:0] frame_last_line_q, frame_last_line_d;  // travels beside the issue
  wire       unused_need;
  wire       unused_frame_first;
  wire       unused_tap_rows;
  wire       unused_tap_cols;

  assign token_address = token[2:0];
  assign token_weight = token[3];
  assign token_closes = token[10];
  assign token_closes_row = token[11];
  assign token_frame_last = token[13];
  assign token_skip = token[14];
  assign skip_write = skip_write_q;
  assign skip_slot = slot_q;
  assign skip_beats = skip_q;
  assign acc_first = first_line_q[1];
  assign acc_last = last_line_q[1];
  assign frame_last = frame_last_line_q[1];
  assign weight_address = out_weight_q;
  assign token_ready = load;
  assign frame_busy = in_frame_q;
  assign free_pixels = out_free_q;
  assign grad_address = out_grad_q;
  assign unused_need = |token[9:6];
  assign unused_frame_first = token[12];
  assign unused_tap_rows = token[4];
  assign unused_tap_cols = token[5];

  always @* begin
    active_d = active_q;
    next_valid_d = next_valid_q;
    next_first_d = next_first_q;
    places_d = places_q;
    place_free_d = place_free_q;
    at_first_d = at_first_q;
    acc_start_d = acc_start_q;
    held_closes_d = held_closes_q;
    held_closes_row_d = held_closes_row_q;
    held_frame_last_d = held_frame_last_q;
    start_grad_d = start_grad_q;
    start_weight_d = start_weight_q;
    next_closes_d = next_closes_q;
    next_closes_row_d = next_closes_row_q;
    next_frame_last_d = next_frame_last_q;
    next_last_d = next_last_q;
    next_done_d = next_done_q;
    next_fresh_d = next_fresh_q;
    next_grad_d = next_grad_q;
    next_wrapped_d = next_wrapped_q;
    next_weight_d = next_weight_q;
    now_grad_d = now_grad_q;
    now_weight_d = now_weight_q;
    in_frame_d = in_frame_q;
    next_slot_d = next_slot_q;
    held_skip_d = held_skip_q;
    next_skip_d = next_skip_q;
    first_line_d = first_line_q;
    last_line_d = last_line_q;
    frame_last_line_d = frame_last_line_q;
    acc_end = 1'd1;
    pixel_end = 1'd1;
    // What moves in this cycle.
    go = next_valid_q & ~blocked_q;
    start = go & next_first_q;
    advance = ~blocked_q;
    turn = advance & active_q;
    vacant = ~active_q | (advance & pixel_end);
    load = vacant & token_valid;
    // The loops: one turns where all inside it end.
    if (turn) begin
      at_first_d = 1'd0;
      acc_start_d = acc_end;
    end
    // A pixel enters; what it brings may be taken before it is known to be there.
    if (vacant) begin
      active_d = token_valid;
      at_first_d = 1'd1;
      acc_start_d = 1'd1;
      start_grad_d = token_address;
      start_weight_d = token_weight;
      held_closes_d = token_closes;
      held_closes_row_d = token_closes_row;
      held_frame_last_d = token_frame_last;
    end
    // The issue that goes next and how its addresses come from those of the one before.
    if (advance) begin
      next_valid_d = active_q;
      next_first_d = acc_start_q;
      next_last_d = acc_end;
      next_done_d = pixel_end;
      next_fresh_d = at_first_q;
      next_closes_d = held_closes_q;
      next_closes_row_d = held_closes_row_q;
      next_frame_last_d = held_frame_last_q;
      if (at_first_q) begin
        next_grad_d = start_grad_q;
        next_wrapped_d = 4'd0 - cfg_issue_ring;
        next_weight_d = start_weight_q;
      end
    end
    grad_sum = next_grad_q + (now_grad_q & {3{~next_fresh_q}});
    grad_wrapped = next_wrapped_q + ({1'd0, now_grad_q} & {4{~next_fresh_q}});
    weight_sum = next_weight_q + (now_weight_q & ~next_fresh_q);
    // The addresses take the step; the ones in use go on to the memories.
    if (go) begin
      now_grad_d = grad_sum;
      if (~grad_wrapped[3]) begin
        now_grad_d = grad_wrapped[2:0];
      end
      now_weight_d = weight_sum;
    end
    out_grad_d = now_grad_q;
    out_weight_d = now_weight_q;
    done = go & next_done_q;
    // Pixels of grad_output that nothing reads any more.
    out_free_d = 1'd0;
    if (done) begin
      out_free_d = next_closes_q + (cfg_free_row_end & next_closes_row_q) + (cfg_free_frame_end & next_frame_last_q);
    end
    // A frame is under way until its last issue goes, unless the next is there.
    if (done & next_frame_last_q & ~active_q) begin
      in_frame_d = 1'd0;
    end
    if (load) begin
      in_frame_d = 1'd1;
    end
    // Places in the output FIFO, taken at the start of an accumulation.
    places_two = places_q >= 5'd2;
    places_step = 5'd1;
    if (start) begin
      places_step = {5{1'd1}};
    end
    if (taken != start) begin
      places_d = places_q + places_step;
      place_free_d = taken | places_two;
    end
    blocked_d = (blocked_q | (active_q & acc_start_q)) & ~place_free_d;
    // Beats without a tap ahead of the pixel go with its first accumulation.
    if (vacant) begin
      held_skip_d = token_skip;
    end
    if (advance) begin
      next_skip_d = held_skip_q & at_first_q;
    end
    skip_write_d = start;
    slot_d = next_slot_q;
    skip_d = next_skip_q;
    if (start) begin
      next_slot_d = next_slot_q + 4'd1;
    end
    first_line_d[0] = next_first_q;
    first_line_d[1] = first_line_q[0];
    acc_ends = go & next_last_q;
    last_line_d[0] = acc_ends;
    last_line_d[1] = last_line_q[0];
    frame_ends = next_done_q & next_frame_last_q;
    frame_last_line_d[0] = frame_ends;
    frame_last_line_d[1] = frame_last_line_q[0];
  end

  always @(posedge aclk) begin
    if (~aresetn) begin
      active_q <= 1'd0;
      next_valid_q <= 1'd0;
      places_q <= cfg_fifo_results;
      place_free_q <= 1'd1;
      blocked_q <= 1'd0;
      in_frame_q <= 1'd0;
      out_free_q <= 1'd0;
      skip_write_q <= 1'd0;
      next_slot_q <= 4'd0;
      last_line_q <= 2'd0;
    end else begin
      active_q <= active_d;
      next_valid_q <= next_valid_d;
      places_q <= places_d;
      place_free_q <= place_free_d;
      blocked_q <= blocked_d;
      in_frame_q <= in_frame_d;
      out_free_q <= out_free_d;
      skip_write_q <= skip_write_d;
      next_slot_q <= next_slot_d;
      last_line_q <= last_line_d;
    end
    next_first_q <= next_first_d;
    at_first_q <= at_first_d;
    acc_start_q <= acc_start_d;
    held_closes_q <= held_closes_d;
    held_closes_row_q <= held_closes_row_d;
    held_frame_last_q <= held_frame_last_d;
    start_grad_q <= start_grad_d;
    start_weight_q <= start_weight_d;
    next_closes_q <= next_closes_d;
    next_closes_row_q <= next_closes_row_d;
    next_frame_last_q <= next_frame_last_d;
    next_last_q <= next_last_d;
    next_done_q <= next_done_d;
    next_fresh_q <= next_fresh_d;
    next_grad_q <= next_grad_d;
    next_wrapped_q <= next_wrapped_d;
    next_weight_q <= next_weight_d;
    now_grad_q <= now_grad_d;
    now_weight_q <= now_weight_d;
    out_grad_q <= out_grad_d;
    out_weight_q <= out_weight_d;
    slot_q <= slot_d;
    skip_q <= skip_d;
    held_skip_q <= held_skip_d;
    next_skip_q <= next_skip_d;
    first_line_q <= first_line_d;
    frame_last_line_q <= frame_last_line_d;
  end
endmodule

// PE lanes side by side. Dense and grouped: every lane gets the same SIMD values of grad_output.
// Depthwise: each lane has its own. Value s of lane j stands at s*PE + j in a weight word, and in a
// depthwise grad_output word.
module depthwise_small_lanes (
  input  wire        aclk,
  input  wire [15:0] grad,
  input  wire [15:0] weight,
  input  wire        acc_first,
  output wire [31:0] acc  // lane 0 in the low bits
);
  reg  [7:0] weight0;
  reg  [7:0] grad0;
  reg  [7:0] weight1;
  reg  [7:0] grad1;

  always @* begin
    grad0 = grad[7:0];
    weight0 = weight[7:0];
    grad1 = grad[15:8];
    weight1 = weight[15:8];
  end

  depthwise_small_lane u_lane0 (
    .aclk      (aclk),
    .grad      (grad0),
    .weight    (weight0),
    .acc_first (acc_first),
    .acc       (acc[15:0])
  );

  depthwise_small_lane u_lane1 (
    .aclk      (aclk),
    .grad      (grad1),
    .weight    (weight1),
    .acc_first (acc_first),
    .acc       (acc[31:16])
  );
endmodule

// One lane over C: SIMD multipliers, an adder tree with a register at each level, an accumulator.
//
// Promise: takes an issue in every cycle and never stalls. `acc` holds the sum of all issues from
// the one with `acc_first` on; `acc_first` comes with the products' sum, not with the operands.
module depthwise_small_lane (
  input  wire        aclk,
  input  wire [7:0]  grad,  // one value for each multiplier
  input  wire [7:0]  weight,
  input  wire        acc_first,  // the sum starts anew
  output wire [15:0] acc  // signed
);
  wire [15:0] product0;
  reg  [15:0] term;  // the issue's sum at the accumulator's width

  always @* begin
    term = product0;
  end

  depthwise_small_multiplier u_multiplier0 (
    .aclk    (aclk),
    .grad    (grad),
    .weight  (weight),
    .product (product0)
  );

  depthwise_small_accumulator u_accumulator (
    .aclk  (aclk),
    .first (acc_first),
    .term  (term),
    .acc   (acc)
  );
endmodule

// Signed multiplier. `product` follows its operands by three cycles.
module depthwise_small_multiplier (
  input  wire        aclk,
  input  wire [7:0]  grad,  // signed
  input  wire [7:0]  weight,  // signed
  output wire [15:0] product  // signed
);

  reg signed [7:0] grad_q;
  reg signed [7:0] weight_q;
  reg signed [15:0] multiplied_q;
  reg signed [15:0] product_q;

  assign product = product_q;

  always @(posedge aclk) begin
    grad_q <= grad;
    weight_q <= weight;
    multiplied_q <= grad_q * weight_q;
    product_q <= multiplied_q;
  end
endmodule

// Accumulator: `acc` becomes `term` where `first` is high, else `acc + term`, one cycle later.
module depthwise_small_accumulator (
  input  wire        aclk,
  input  wire        first,
  input  wire [15:0] term,
  output wire [15:0] acc
);
  reg  [15:0] acc_q, acc_d;
  reg  [15:0] sum;

  assign acc = acc_q;

  always @* begin
    sum = term + (acc_q & {16{~first}});
    acc_d = sum;
  end

  always @(posedge aclk) begin
    acc_q <= acc_d;
  end
endmodule

// Output FIFO and grad_input stream. Results arrive without a question: the issue loop starts no
// accumulation without a free place, and `taken` gives a place back.
//
// Pixels without a tap never were in the pipeline: they are counted as runs. The run ahead of a
// result is written, when its accumulation starts, to the place that the result will take; the run
// is expanded to zeros ahead of the result, the run at a frame's end behind the last one. The zeros do
// not wait for the result: they leave while it is computed.
//
// Promise: `tvalid`, `tdata` and `tlast` are registers and stay while `tready` is low; one beat a
// cycle, zeros and results alike; a result can leave three cycles after it was written, the first zero
// ahead of it three cycles after its run was.
module depthwise_small_result (
  input  wire        aclk,
  input  wire        aresetn,  // synchronous, active low
  input  wire        write,  // a result
  input  wire [31:0] acc,
  input  wire        frame_last,  // last result of a frame
  input  wire        skip_write,  // an accumulation starts
  input  wire [3:0]  skip_slot,
  input  wire        skip_beats,  // beats without a tap ahead of it
  output wire        taken,  // a place is free again
  output wire        tvalid,
  input  wire        tready,
  output wire [31:0] tdata,
  output wire        tlast,
  output wire        frame_done,  // the last beat of a frame was taken
  input  wire        cfg_end_beats  // beats without a tap at a frame's end
);
  reg  [3:0]  write_slot_q, write_slot_d;
  reg  [3:0]  read_slot_q, read_slot_d;
  reg  [4:0]  waiting_q, waiting_d;  // results in the memory
  reg         some_wait_q, some_wait_d;  // the count is not zero
  reg         waiting_two;  // there are two at least
  reg  [4:0]  waiting_step;  // one up or down
  reg         held_q, held_d;  // the memory's output is a result that has yet to leave
  reg         gave_q, gave_d;
  reg         out_valid_q, out_valid_d;
  reg         out_last_q, out_last_d;
  reg  [31:0] out_data_q, out_data_d;
  reg         done_q, done_d;
  reg         read;  // a result moves from the memory to its output
  reg         move_out;  // a result moves to the stream's registers
  reg         open;  // the stream's registers are or become free
  wire [32:0] word;
  reg  [32:0] stored;
  reg         zero_out;  // a zero moves there instead
  wire        run;  // beats without a tap ahead of the next result
  reg         passed_q, passed_d;  // beats of it that have left
  reg  [4:0]  runs_waiting_q, runs_waiting_d;  // runs in their memory
  reg         some_runs_wait_q, some_runs_wait_d;  // the count is not zero
  reg         runs_waiting_two;  // there are two at least
  reg  [4:0]  runs_waiting_step;  // one up or down
  reg  [3:0]  run_slot_q, run_slot_d;
  reg         run_read;  // a run moves from the memory to its output
  reg         run_held_q, run_held_d;  // that output is the run ahead of the next result
  reg         tail_q, tail_d;  // beats of the frame's end that have yet to leave
  reg         zero_last;

  assign taken = gave_q;
  assign tvalid = out_valid_q;
  assign tdata = out_data_q;
  assign tlast = out_last_q;
  assign frame_done = done_q;

  always @* begin
    write_slot_d = write_slot_q;
    read_slot_d = read_slot_q;
    waiting_d = waiting_q;
    some_wait_d = some_wait_q;
    held_d = held_q;
    out_valid_d = out_valid_q;
    out_last_d = out_last_q;
    out_data_d = out_data_q;
    passed_d = passed_q;
    runs_waiting_d = runs_waiting_q;
    some_runs_wait_d = some_runs_wait_q;
    run_slot_d = run_slot_q;
    run_held_d = run_held_q;
    tail_d = tail_q;
    stored[31:0] = acc;
    stored[32] = frame_last;
    open = tready | ~out_valid_q;
    move_out = held_q & open;
    zero_out = 1'd0;
    // A result is never there before its run.
    if (run_held_q & (passed_q != run)) begin
      move_out = 1'd0;
      zero_out = open;
    end
    // The run at a frame's end goes before the next frame's.
    zero_last = 1'd0;
    if (tail_q) begin
      move_out = 1'd0;
      zero_out = open;
      zero_last = tail_q == 1'd1;
      if (open) begin
        tail_d = tail_q - 1'd1;
      end
    end else begin
      if (zero_out) begin
        passed_d = passed_q + 1'd1;
      end
      if (move_out) begin
        passed_d = 1'd0;
      end
    end
    if (move_out & word[32]) begin
      tail_d = cfg_end_beats;
    end
    run_read = some_runs_wait_q & (move_out | ~run_held_q);
    if (run_read) begin
      run_held_d = 1'd1;
    end else if (move_out) begin
      run_held_d = 1'd0;
    end
    runs_waiting_two = runs_waiting_q >= 5'd2;
    runs_waiting_step = 5'd1;
    if (run_read) begin
      runs_waiting_step = {5{1'd1}};
    end
    if (skip_write != run_read) begin
      runs_waiting_d = runs_waiting_q + runs_waiting_step;
      some_runs_wait_d = skip_write | runs_waiting_two;
    end
    if (run_read) begin
      run_slot_d = run_slot_q + 4'd1;
    end
    read = some_wait_q & (move_out | ~held_q);
    if (read) begin
      held_d = 1'd1;
    end else if (move_out) begin
      held_d = 1'd0;
    end
    waiting_two = waiting_q >= 5'd2;
    waiting_step = 5'd1;
    if (read) begin
      waiting_step = {5{1'd1}};
    end
    if (write != read) begin
      waiting_d = waiting_q + waiting_step;
      some_wait_d = write | waiting_two;
    end
    if (write) begin
      write_slot_d = write_slot_q + 4'd1;
    end
    if (read) begin
      read_slot_d = read_slot_q + 4'd1;
    end
    gave_d = read;
    if (open) begin
      out_valid_d = move_out | zero_out;
      out_data_d = word[31:0];
      if (zero_out) begin
        out_data_d = 32'd0;
      end
      out_last_d = zero_last;
    end
    done_d = out_valid_q & tready & out_last_q;
  end

  always @(posedge aclk) begin
    if (~aresetn) begin
      write_slot_q <= 4'd0;
      read_slot_q <= 4'd0;
      waiting_q <= 5'd0;
      some_wait_q <= 1'd0;
      held_q <= 1'd0;
      gave_q <= 1'd0;
      out_valid_q <= 1'd0;
      done_q <= 1'd0;
      passed_q <= 1'd0;
      runs_waiting_q <= 5'd0;
      some_runs_wait_q <= 1'd0;
      run_slot_q <= 4'd0;
      run_held_q <= 1'd0;
      tail_q <= 1'd0;
    end else begin
      write_slot_q <= write_slot_d;
      read_slot_q <= read_slot_d;
      waiting_q <= waiting_d;
      some_wait_q <= some_wait_d;
      held_q <= held_d;
      gave_q <= gave_d;
      out_valid_q <= out_valid_d;
      done_q <= done_d;
      passed_q <= passed_d;
      runs_waiting_q <= runs_waiting_d;
      some_runs_wait_q <= some_runs_wait_d;
      run_slot_q <= run_slot_d;
      run_held_q <= run_held_d;
      tail_q <= tail_d;
    end
    out_last_q <= out_last_d;
    out_data_q <= out_data_d;
  end

  depthwise_small_result_memory u_results (
    .aclk          (aclk),
    .write         (write),
    .write_address (write_slot_q),
    .write_data    (stored),
    .read          (read),
    .read_address  (read_slot_q),
    .read_data     (word)
  );

  depthwise_small_result_runs u_runs (
    .aclk          (aclk),
    .write         (skip_write),
    .write_address (skip_slot),
    .write_data    (skip_beats),
    .read          (run_read),
    .read_address  (run_slot_q),
    .read_data     (run)
  );
endmodule

// Memory with one write and one read port.
// `read_data` changes in the cycle after `read` only.
module depthwise_small_result_memory (
  input  wire        aclk,
  input  wire        write,
  input  wire [3:0]  write_address,
  input  wire [32:0] write_data,
  input  wire        read,
  input  wire [3:0]  read_address,
  output wire [32:0] read_data
);

  // No use is made of a word that is read while it is written.
  (* no_rw_check *)
  reg [32:0] words [0:15];
  reg [32:0] read_data_q;

  assign read_data = read_data_q;

  always @(posedge aclk) begin
    if (write) words[write_address] <= write_data;
    if (read) read_data_q <= words[read_address];
  end
endmodule

// Memory with one write and one read port.
// `read_data` changes in the cycle after `read` only.
module depthwise_small_result_runs (
  input  wire       aclk,
  input  wire       write,
  input  wire [3:0] write_address,
  input  wire       write_data,
  input  wire       read,
  input  wire [3:0] read_address,
  output wire       read_data
);

  // No use is made of a word that is read while it is written.
  (* no_rw_check *)
  reg [0:0] words [0:15];
  reg [0:0] read_data_q;

  assign read_data = read_data_q;

  always @(posedge aclk) begin
    if (write) words[write_address] <= write_data;
    if (read) read_data_q <= words[read_address];
  end
endmodule
