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
  localparam [3:0] CFG_WALK_RING = 4'd5;  // size of the line buffer in units of this block's addresses
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
  localparam       CFG_HAS_END_BEATS = 1'd1;  // there are beats without a tap at a frame's end
  localparam       CFG_END_BEATS_LESS_1 = 1'd0;  // beats without a tap at a frame's end, less one

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
    .cfg_has_end_beats         (CFG_HAS_END_BEATS),
    .cfg_end_beats_less_1      (CFG_END_BEATS_LESS_1)
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
  input  wire        cfg_has_end_beats,  // there are beats without a tap at a frame's end
  input  wire        cfg_end_beats_less_1  // beats without a tap at a frame's end, less one
);
  wire [5:0]  misplaced;  // a tlast, by stream and kind
  wire        frame_begin;
  wire        arrived;
  wire        free_less_1;
  wire        grad_write;
  wire [2:0]  grad_write_address;
  wire [15:0] grad_write_data;
  wire [2:0]  grad_address;
  wire [15:0] grad_word;
  wire        weights_ready;
  wire        frame_busy;
  wire        weight_write;
  wire        weight_write_address;
  wire        weight_address;
  wire [15:0] weight_word;
  wire        walk_valid;
  wire        walk_ready;
  wire [13:0] walk_token;
  wire        token_valid;
  wire        token_ready;
  wire [13:0] token;
  reg         weight_stored_q, weight_stored_d;
  reg         weight_stored_address_q, weight_stored_address_d;
  reg  [15:0] weight_stored_word_q, weight_stored_word_d;
  wire        skip_write;
  wire        skip_beats;
  wire        acc_first;
  wire        acc_last;
  wire        frame_last;
  wire        taken;
  wire [31:0] acc;
  reg  [5:0]  first_line_q, first_line_d;  // travels beside the issue
  reg  [6:0]  last_line_q, last_line_d;  // travels beside the issue
  reg  [6:0]  frame_last_line_q, frame_last_line_d;  // travels beside the issue
  wire [31:0] out_data;
  reg  [31:0] out_wide;  // each value sign-extended to bytes
  reg  [3:0]  frames_q, frames_d;  // frames in the engine
  reg         frames_inside_q, frames_inside_d;  // the count is not zero
  reg         frames_two;  // there are two at least
  reg  [3:0]  frames_step;  // one up or down
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
    weight_stored_d = weight_write;
    weight_stored_address_d = weight_write_address;
    weight_stored_word_d = s_axis_weight_tdata;
    first_line_d[0] = acc_first;
    first_line_d[5:1] = first_line_q[4:0];
    last_line_d[0] = acc_last;
    last_line_d[6:1] = last_line_q[5:0];
    frame_last_line_d[0] = frame_last;
    frame_last_line_d[6:1] = frame_last_line_q[5:0];
    out_wide[15:0] = out_data[15:0];
    out_wide[31:16] = out_data[31:16];
    frames_two = |frames_q[3:1];
    frames_step = 4'd1;
    if (frame_done) begin
      frames_step = 4'd15;
    end
    if (frame_begin != frame_done) begin
      frames_d = frames_q + frames_step;
      frames_inside_d = frame_begin | frames_two;
    end
    is_busy_d = frame_begin | frames_inside_q;
    seen_d = misplaced;
    cause_d = cause_q | seen_q;
    failed_d = |cause_q;
  end

  always @(posedge aclk) begin
    if (~aresetn) begin
      weight_stored_q <= 1'd0;
      last_line_q <= 7'd0;
      frames_q <= 4'd0;
      frames_inside_q <= 1'd0;
      is_busy_q <= 1'd0;
      seen_q <= 6'd0;
      cause_q <= 6'd0;
      failed_q <= 1'd0;
    end else begin
      weight_stored_q <= weight_stored_d;
      last_line_q <= last_line_d;
      frames_q <= frames_d;
      frames_inside_q <= frames_inside_d;
      is_busy_q <= is_busy_d;
      seen_q <= seen_d;
      cause_q <= cause_d;
      failed_q <= failed_d;
    end
    weight_stored_address_q <= weight_stored_address_d;
    weight_stored_word_q <= weight_stored_word_d;
    first_line_q <= first_line_d;
    frame_last_line_q <= frame_last_line_d;
  end

  depthwise_small_walk u_walk (
    .aclk          (aclk),
    .aresetn       (aresetn),
    .token_valid   (walk_valid),
    .token_ready   (walk_ready),
    .token         (walk_token),
    .cfg_walk_ring (cfg_walk_ring)
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
    .free_less_1          (free_less_1),
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
    .write         (weight_stored_q),
    .write_address (weight_stored_address_q),
    .write_data    (weight_stored_word_q),
    .read_address  (weight_address),
    .read_data     (weight_word)
  );

  depthwise_small_issue u_issue (
    .aclk             (aclk),
    .aresetn          (aresetn),
    .token_valid      (token_valid),
    .token_ready      (token_ready),
    .token            (token),
    .frame_busy       (frame_busy),
    .free_less_1      (free_less_1),
    .taken            (taken),
    .grad_address     (grad_address),
    .weight_address   (weight_address),
    .acc_first        (acc_first),
    .acc_last         (acc_last),
    .frame_last       (frame_last),
    .skip_write       (skip_write),
    .skip_beats       (skip_beats),
    .cfg_fifo_results (cfg_fifo_results),
    .cfg_issue_ring   (cfg_issue_ring)
  );

  depthwise_small_lanes u_lanes (
    .aclk      (aclk),
    .grad      (grad_word),
    .weight    (weight_word),
    .acc_first (first_line_q[5]),
    .acc       (acc)
  );

  depthwise_small_result u_result (
    .aclk                 (aclk),
    .aresetn              (aresetn),
    .write                (last_line_q[6]),
    .acc                  (acc),
    .frame_last           (frame_last_line_q[6]),
    .skip_write           (skip_write),
    .skip_beats           (skip_beats),
    .taken                (taken),
    .tvalid               (m_axis_grad_input_tvalid),
    .tready               (m_axis_grad_input_tready),
    .tdata                (out_data),
    .tlast                (m_axis_grad_input_tlast),
    .frame_done           (frame_done),
    .cfg_has_end_beats    (cfg_has_end_beats),
    .cfg_end_beats_less_1 (cfg_end_beats_less_1)
  );
endmodule

// Walks the pixels of grad_input that have taps, row by row, frame after frame without end, and
// hands a token for each to the issue loop. It knows nothing of data: the issue loop waits for it.
//
// Two sequencers, of rows and of columns, tell step by step what changes; the token adds it up. Where
// a row begins the row's step counts, elsewhere the column's. All that has no tap is jumped over and
// only counted.
//
// Promise: `token_valid` with `token` stays until `token_ready`; a token moves in every cycle in
// which both are high; one token a cycle, also across rows and frames.
module depthwise_small_walk (
  input  wire        aclk,
  input  wire        aresetn,  // synchronous, active low
  output wire        token_valid,
  input  wire        token_ready,
  output wire [13:0] token,
  input  wire [3:0]  cfg_walk_ring  // size of the line buffer in units of this block's addresses
);
  wire        row_there;
  reg         row_advance;
  wire [8:0]  row_step;
  wire [2:0]  row_address;  // units of the line buffer from the step before
  wire        row_weight;  // units of weights from the step before
  wire        row_opens;  // its pixels need what columns open
  wire        row_need;  // pixels of grad_output that this one is the first to need
  wire        row_closes;  // what columns close is dead behind them
  wire        row_skip;  // beats without a tap just before
  wire        row_last;  // last step of its round
  wire        col_there;
  reg         col_advance;
  wire [7:0]  col_step;
  wire [2:0]  col_address;  // units of the line buffer from the step before
  wire        col_weight;  // units of weights from the step before
  wire        col_need;  // pixels of grad_output that this one is the first to need
  wire        col_free;  // what is dead behind the pixel, less one
  wire        col_skip;  // beats without a tap just before
  wire        col_last;  // last step of its round
  reg         valid_q, valid_d;  // the token is there
  reg         row_first_q, row_first_d;  // the next pixel is a row's first
  reg         frame_first_q, frame_first_d;  // the next row is a frame's first
  reg  [2:0]  address_q, address_d;  // line buffer, of the first tap
  reg         weight_q, weight_d;  // weight memory, likewise
  reg         tap_rows_q, tap_rows_d;  // less one
  reg         tap_cols_q, tap_cols_d;  // less one
  reg  [3:0]  need_q, need_d;  // pixels that must have arrived since reset
  reg         free_q, free_d;  // what is dead behind the pixel, less one
  reg         first_q, first_d;  // a frame's first pixel
  reg         last_q, last_d;  // a frame's last pixel
  reg         skip_q, skip_d;  // beats without a tap just before
  reg         emit;  // the next token goes into the registers
  reg         row_end;  // it is its row's last
  reg  [2:0]  address_step;
  reg  [3:0]  wrapping;  // the step less the line buffer
  reg  [2:0]  next_address_sum;
  reg  [3:0]  next_address_wrapped;  // negative: no wrap is due
  reg  [2:0]  next_address;
  wire        next_weight;
  reg         next_weight_added;
  wire [3:0]  opened;  // pixels that a row's other pixels need beyond those before
  wire [3:0]  next_need;
  reg  [3:0]  next_need_added;
  reg  [13:0] next_token;

  assign row_address = row_step[8:6];
  assign row_weight = row_step[5];
  assign row_opens = row_step[4];
  assign row_need = row_step[3];
  assign row_closes = row_step[2];
  assign row_skip = row_step[1];
  assign row_last = row_step[0];
  assign col_address = col_step[7:5];
  assign col_weight = col_step[4];
  assign col_need = col_step[3];
  assign col_free = col_step[2];
  assign col_skip = col_step[1];
  assign col_last = col_step[0];
  assign next_weight = weight_q + next_weight_added;
  assign opened = {3'd0, col_need} & {4{row_opens}};
  assign next_need = need_q + next_need_added;
  assign token_valid = valid_q;
  assign token = next_token;

  always @* begin
    address_step = col_address;
    if (row_first_q) begin
      address_step = row_address;
    end
    wrapping = {1'd0, address_step} - cfg_walk_ring;
    next_weight_added = col_weight;
    if (row_first_q) begin
      next_weight_added = row_weight;
    end
    next_need_added = opened;
    if (row_first_q) begin
      next_need_added = {3'd0, row_need};
    end
  end

  always @* begin
    row_first_d = row_first_q;
    frame_first_d = frame_first_q;
    address_d = address_q;
    weight_d = weight_q;
    tap_rows_d = tap_rows_q;
    tap_cols_d = tap_cols_q;
    need_d = need_q;
    free_d = free_q;
    first_d = first_q;
    last_d = last_q;
    skip_d = skip_q;
    // What moves in this cycle.
    emit = row_there & col_there & ~(valid_q & ~token_ready);
    valid_d = emit | (valid_q & ~token_ready);
    row_end = col_last;
    row_advance = emit & row_end;
    col_advance = emit;
    next_address_sum = address_q + address_step;
    next_address_wrapped = {1'd0, address_q} + wrapping;
    next_address = next_address_wrapped[2:0];
    if (next_address_wrapped[3]) begin
      next_address = next_address_sum;
    end
    // The next pixel.
    if (emit) begin
      address_d = next_address;
      weight_d = next_weight;
      need_d = next_need;
      row_first_d = row_end;
      free_d = 1'd1;
      if (row_closes) begin
        free_d = col_free;
      end
      if (row_end) begin
        free_d = 1'd0;
      end
      first_d = row_first_q & frame_first_q;
      last_d = row_end & row_last;
      skip_d = col_skip;
      if (row_first_q) begin
        skip_d = row_skip;
      end
    end
    if (row_advance) begin
      frame_first_d = row_last;
    end
    next_token[2:0] = address_q;
    next_token[3] = weight_q;
    next_token[4] = tap_rows_q;
    next_token[5] = tap_cols_q;
    next_token[9:6] = need_q;
    next_token[10] = free_q;
    next_token[11] = first_q;
    next_token[12] = last_q;
    next_token[13] = skip_q;
  end

  always @(posedge aclk) begin
    if (~aresetn) begin
      valid_q <= 1'd0;
      row_first_q <= 1'd1;
      frame_first_q <= 1'd1;
      address_q <= 3'd0;
      weight_q <= 1'd0;
      tap_rows_q <= 1'd0;
      tap_cols_q <= 1'd0;
      need_q <= 4'd0;
    end else begin
      valid_q <= valid_d;
      row_first_q <= row_first_d;
      frame_first_q <= frame_first_d;
      address_q <= address_d;
      weight_q <= weight_d;
      tap_rows_q <= tap_rows_d;
      tap_cols_q <= tap_cols_d;
      need_q <= need_d;
    end
    free_q <= free_d;
    first_q <= first_d;
    last_q <= last_d;
    skip_q <= skip_d;
  end

  depthwise_small_walk_rows u_rows (
    .aclk    (aclk),
    .aresetn (aresetn),
    .advance (row_advance),
    .there   (row_there),
    .step    (row_step)
  );

  depthwise_small_walk_cols u_cols (
    .aclk    (aclk),
    .aresetn (aresetn),
    .advance (col_advance),
    .there   (col_there),
    .step    (col_step)
  );
endmodule

// Goes through the program of an axis: line 0, then line 1 to the last, again and again, with loops
// in between. Where to go on is told a few lines ahead, so that no fetch waits for another.
//
// A loop's first jump back finds none under way and takes its turns from the line; with the last one
// the count is below zero, and the next time its end is passed.
//
// Promise: `step` is the present step while `there`, which is high for good a few cycles after reset;
// `advance` goes to the next one in one cycle, and comes only while `there`.
module depthwise_small_walk_rows (
  input  wire       aclk,
  input  wire       aresetn,  // synchronous, active low
  input  wire       advance,  // go to the next step
  output wire       there,
  output wire [8:0] step
);
  wire [9:0] line;  // the present line
  reg  [1:0] place_q, place_d;  // line that is fetched next
  reg        filled_q, filled_d;
  reg        fetch;
  reg        jumps;  // the line that was fetched last does not lead to the next
  wire       told_wrap;  // of the line ahead

  assign step = line[9:1];
  assign told_wrap = line[0];
  assign there = filled_q;

  always @* begin
    place_d = place_q;
    fetch = advance | ~filled_q;
    filled_d = 1'd1;
    jumps = filled_q & told_wrap;
    if (fetch) begin
      place_d = place_q + 2'd1;
      if (jumps) begin
        place_d = 2'd1;
      end
    end
  end

  always @(posedge aclk) begin
    if (~aresetn) begin
      place_q <= 2'd0;
      filled_q <= 1'd0;
    end else begin
      place_q <= place_d;
      filled_q <= filled_d;
    end
  end

  depthwise_small_walk_rows_program u_program (
    .aclk  (aclk),
    .fetch (fetch),
    .place (place_q),
    .line  (line)
  );
endmodule

// Program of an axis, a line a step.
//
// Promise: `line` is the line `place` as of the last `fetch`.
module depthwise_small_walk_rows_program (
  input  wire       aclk,
  input  wire       fetch,
  input  wire [1:0] place,
  output wire [9:0] line
);

  reg [9:0] line_q;

  assign line = line_q;

  // address units of the line buffer from the step before
  // weight  units of weights from the step before
  // opens   its pixels need what columns open
  // need    pixels of grad_output that this one is the first to need
  // closes  what columns close is dead behind them
  // skip    beats without a tap just before
  // last    last step of its round
  // wrap    behind the line told ahead comes line 1
  always @(posedge aclk) begin
    if (fetch) begin
      case (place)
        //                     address  weight  opens  need  closes  skip  last  wrap
           2'd0: line_q <= {   3'd0,   1'd1,  1'd1, 1'd1,   1'd1, 1'd0, 1'd0, 1'd0};  // row 0: 1 tap
           2'd1: line_q <= {   3'd1,   1'd0,  1'd1, 1'd1,   1'd1, 1'd1, 1'd0, 1'd0};  // row 1: 1 tap
           2'd2: line_q <= {   3'd1,   1'd0,  1'd1, 1'd1,   1'd1, 1'd1, 1'd1, 1'd1};  // row 2: 1 tap
        default: line_q <= {   3'd1,   1'd0,  1'd1, 1'd1,   1'd1, 1'd0, 1'd0, 1'd0};  // row 0 of the next frame: 1 tap
      endcase
    end
  end
endmodule

// Goes through the program of an axis: line 0, then line 1 to the last, again and again, with loops
// in between. Where to go on is told a few lines ahead, so that no fetch waits for another.
//
// A loop's first jump back finds none under way and takes its turns from the line; with the last one
// the count is below zero, and the next time its end is passed.
//
// Promise: `step` is the present step while `there`, which is high for good a few cycles after reset;
// `advance` goes to the next one in one cycle, and comes only while `there`.
module depthwise_small_walk_cols (
  input  wire       aclk,
  input  wire       aresetn,  // synchronous, active low
  input  wire       advance,  // go to the next step
  output wire       there,
  output wire [7:0] step
);
  wire [8:0] line;  // the present line
  reg  [2:0] place_q, place_d;  // line that is fetched next
  reg        filled_q, filled_d;
  reg        fetch;
  reg        jumps;  // the line that was fetched last does not lead to the next
  wire       told_wrap;  // of the line ahead

  assign step = line[8:1];
  assign told_wrap = line[0];
  assign there = filled_q;

  always @* begin
    place_d = place_q;
    fetch = advance | ~filled_q;
    filled_d = 1'd1;
    jumps = filled_q & told_wrap;
    if (fetch) begin
      place_d = place_q + 3'd1;
      if (jumps) begin
        place_d = 3'd1;
      end
    end
  end

  always @(posedge aclk) begin
    if (~aresetn) begin
      place_q <= 3'd0;
      filled_q <= 1'd0;
    end else begin
      place_q <= place_d;
      filled_q <= filled_d;
    end
  end

  depthwise_small_walk_cols_program u_program (
    .aclk  (aclk),
    .fetch (fetch),
    .place (place_q),
    .line  (line)
  );
endmodule

// Program of an axis, a line a step.
//
// Promise: `line` is the line `place` as of the last `fetch`.
module depthwise_small_walk_cols_program (
  input  wire       aclk,
  input  wire       fetch,
  input  wire [2:0] place,
  output wire [8:0] line
);

  reg [8:0] line_q;

  assign line = line_q;

  // address units of the line buffer from the step before
  // weight  units of weights from the step before
  // need    pixels of grad_output that this one is the first to need
  // free    what is dead behind the pixel, less one
  // skip    beats without a tap just before
  // last    last step of its round
  // wrap    behind the line told ahead comes line 1
  always @(posedge aclk) begin
    if (fetch) begin
      case (place)
        //                     address  weight  need  free  skip  last  wrap
           3'd0: line_q <= {   3'd0,   1'd0, 1'd0, 1'd0, 1'd0, 1'd0, 1'd0};  // column 0: 1 tap
           3'd1: line_q <= {   3'd1,   1'd1, 1'd1, 1'd1, 1'd1, 1'd0, 1'd0};  // column 2: 1 tap
           3'd2: line_q <= {   3'd0,   1'd1, 1'd0, 1'd0, 1'd0, 1'd0, 1'd0};  // column 3: 1 tap
           3'd3: line_q <= {   3'd1,   1'd1, 1'd1, 1'd1, 1'd1, 1'd0, 1'd0};  // column 5: 1 tap
           3'd4: line_q <= {   3'd0,   1'd1, 1'd0, 1'd1, 1'd0, 1'd1, 1'd1};  // column 6: 1 tap
        default: line_q <= {   3'd0,   1'd0, 1'd0, 1'd0, 1'd0, 1'd0, 1'd0};  // column 0 of the next row: 1 tap
      endcase
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
// token can leave three cycles after the last beat that it needs was taken. `out_ready` comes only
// while `out_valid`, which may fall again where `weights_ready` does.
module depthwise_small_tokens (
  input  wire        aclk,
  input  wire        aresetn,  // synchronous, active low
  input  wire        in_valid,
  output wire        in_ready,
  input  wire [13:0] in_token,
  input  wire        arrived,  // one more pixel is in the line buffer
  input  wire        weights_ready,  // a whole set is in the weight memory
  output wire        out_valid,
  input  wire        out_ready,
  output wire [13:0] out_token
);
  reg  [3:0]  stored_q, stored_d;  // pixels stored since reset
  reg         head_valid_q, head_valid_d;
  reg  [13:0] head_q, head_d;  // leaves next
  reg         may_go_q, may_go_d;  // the head may leave
  reg  [3:0]  head_lacks;  // negative: it needs what has not arrived
  wire        unused_head_lacks_low;
  reg         second_valid_q, second_valid_d;
  reg         third_valid_q, third_valid_d;
  reg  [13:0] second_q, second_d;  // waits behind the head
  reg  [13:0] third_q, third_d;  // waits where the second cannot move
  reg         to_head;  // the head is or becomes free
  reg         to_second;  // so does the second entry
  reg  [3:0]  second_lacks;
  wire        unused_second_lacks_low;
  reg         head_stays;  // and may leave if its data is there
  reg         second_moves;  // to the head, and likewise

  assign unused_head_lacks_low = |head_lacks[2:0];
  assign out_valid = may_go_q;
  assign out_token = head_q;
  assign unused_second_lacks_low = |second_lacks[2:0];
  assign in_ready = ~third_valid_q;

  always @* begin
    stored_d = stored_q;
    head_valid_d = head_valid_q;
    head_d = head_q;
    second_valid_d = second_valid_q;
    second_d = second_q;
    third_d = third_q;
    if (arrived) begin
      stored_d = stored_q + 4'd1;
    end
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
    // Whether the token that is the head from the next cycle on may leave then.
    head_lacks = stored_q - head_q[9:6];
    head_stays = ~to_head & (weights_ready | ~head_q[11]);
    second_lacks = stored_q - second_q[9:6];
    second_moves = to_head & second_valid_q & (weights_ready | ~second_q[11]);
    may_go_d = (head_stays & ~head_lacks[3]) | (second_moves & ~second_lacks[3]);
  end

  always @(posedge aclk) begin
    if (~aresetn) begin
      stored_q <= 4'd0;
      head_valid_q <= 1'd0;
      may_go_q <= 1'd0;
      second_valid_q <= 1'd0;
      third_valid_q <= 1'd0;
    end else begin
      stored_q <= stored_d;
      head_valid_q <= head_valid_d;
      may_go_q <= may_go_d;
      second_valid_q <= second_valid_d;
      third_valid_q <= third_valid_d;
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
// has space for its pixel; nothing is written over a pixel that `free_less_1` has not counted.
// `arrived` follows the last word of a stored pixel by one cycle, `frame_begin` a frame's first beat. A
// misplaced `tlast` pulses one of the three error outputs in the cycle behind the beat; frames are cut
// by count, so that it changes nothing else.
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
  input  wire        free_less_1,  // what may be written over, less one
  output wire        frame_begin,  // a frame's first beat was taken
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
  reg         fills;  // space is taken by the beat
  reg         seen;  // a beat's place in its frame is looked at
  reg         seen_pixel_end;  // it is its pixel's last
  wire [3:0]  space_from;
  wire [3:0]  space_step;
  wire [3:0]  space_sum;  // above a bit whose carry is a beat that takes no space
  wire        unused_space_carry;
  reg         tlast_came_q, tlast_came_d;  // with the beat taken in the cycle before
  reg         tlast_was_due_q, tlast_was_due_d;
  reg         overdue_q, overdue_d;  // tlast was missing and has not come since
  reg         begun_q, begun_d;

  assign space_from[3:1] = space_q;
  assign space_from[0] = 1'd1;
  assign space_step[3:1] = {3{free_less_1}};
  assign space_step[0] = ~stored_q;
  assign space_sum = space_from + space_step;
  assign unused_space_carry = space_sum[0];
  assign tlast_early = tlast_came_q & ~tlast_was_due_q & ~overdue_q;
  assign tlast_missing = tlast_was_due_q & ~tlast_came_q;
  assign tlast_late = tlast_came_q & ~tlast_was_due_q & overdue_q;
  assign frame_begin = begun_q;
  assign tready = ready_q;
  assign write = write_q;
  assign write_data = data_q;
  assign write_address = place_q;
  assign arrived = stored_q;

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
    seen = accept;
    seen_pixel_end = pixel_end;
    due = word_end & (col_at_last_q & row_at_last_q);
    if (seen_pixel_end) begin
      col_d = col_q + 2'd1;
      col_at_last_d = (col_q == (cfg_grad_cols_less_1 - 2'd1)) | (cfg_grad_cols_less_1 == 2'd0);
    end
    if (seen_pixel_end & col_at_last_q) begin
      col_d = 2'd0;
    end
    inside_col_d = (col_d >= cfg_first_kept_col) & (cfg_last_kept_col >= col_d);
    if (seen_pixel_end & col_at_last_q) begin
      row_d = row_q + 3'd1;
      row_at_last_d = (row_q == (cfg_grad_rows_less_1 - 3'd1)) | (cfg_grad_rows_less_1 == 3'd0);
    end
    if (seen_pixel_end & col_at_last_q & row_at_last_q) begin
      row_d = 3'd0;
    end
    inside_row_d = (row_d >= cfg_first_kept_row) & (cfg_last_kept_row >= row_d);
    if (seen) begin
      first_beat_d = due;
    end
    // What of it is stored, and whether there is space for the next beat.
    store = accept & (inside_col_q & inside_row_q);
    fills = pixel_end & (inside_col_q & inside_row_q);
    space_d = space_sum[3:1];
    stored_d = pixel_end & (inside_col_q & inside_row_q);
    some_free = space_q != 3'd0;
    if (fills ^ stored_q) begin
      some_free = |space_q[2:1];
    end
    if (fills & stored_q) begin
      some_free = |space_q[2] | (space_q[1] & space_q[0]);
    end
    ready_d = some_free;
    write_d = store;
    data_d = tdata;
    // Where the beat goes that was taken in the cycle before.
    if (stored_q) begin
      place_d = place_q + 3'd1;
      place_at_last_d = (place_q == (cfg_line_less_1 - 3'd1)) | (cfg_line_less_1 == 3'd0);
    end
    if (stored_q & place_at_last_q) begin
      place_d = 3'd0;
    end
    // tlast against the count of beats.
    tlast_came_d = seen & tlast;
    tlast_was_due_d = seen & due;
    if (tlast_came_q) begin
      overdue_d = 1'd0;
    end
    if (tlast_was_due_q & ~tlast_came_q) begin
      overdue_d = 1'd1;
    end
    begun_d = seen & first_beat_q;
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
      begun_q <= 1'd0;
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
      begun_q <= begun_d;
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
  reg        quiet_q, quiet_d;  // no frame reads, or begins by what was told
  reg        begins_q, begins_d;  // the beat that waits begins a set
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
    told_d = told_q;
    address_d = address_q;
    address_at_last_d = address_at_last_q;
    overdue_d = overdue_q;
    accept = tvalid & ready_q;
    // A set ends by count; another begins where a beat waits and no frame reads.
    due = address_at_last_q;
    begins_d = tvalid & quiet_q & ~(usable_q | loading_q);
    loading_d = (loading_q & ~(accept & due)) | begins_q;
    quiet_d = ~(usable_q | |told_q | frame_busy);
    ready_d = loading_d;
    usable_d = ~loading_d & ~tvalid;
    told_d[0] = usable_q;
    told_d[1] = told_q[0];
    if (accept) begin
      address_d = address_q + 1'd1;
      address_at_last_d = (address_q == (cfg_weight_words_less_1 - 1'd1)) | ~cfg_weight_words_less_1;
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
      quiet_q <= 1'd0;
      begins_q <= 1'd0;
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
      quiet_q <= quiet_d;
      begins_q <= begins_d;
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
// mark an accumulation's first and last issue (`acc_first` has a meaning only where something is
// issued); the next pixel follows the last issue of the one
// before without a gap when its token and a place in the FIFO are there. `free_pixels` counts the
// pixels of grad_output that are dead once the reads already issued are done.
module depthwise_small_issue (
  input  wire        aclk,
  input  wire        aresetn,  // synchronous, active low
  input  wire        token_valid,  // its data and a whole set of weights are there
  output wire        token_ready,
  input  wire [13:0] token,
  output wire        frame_busy,  // a pixel entered two cycles ago, and its frame is not done
  output wire        free_less_1,  // dead as of now, less one
  input  wire        taken,  // one more place in the output FIFO is free
  output wire [2:0]  grad_address,  // line-buffer read
  output wire        weight_address,  // weight read
  output wire        acc_first,
  output wire        acc_last,  // low while nothing is issued
  output wire        frame_last,  // with acc_last: last result of a frame
  output wire        skip_write,  // an accumulation starts
  output wire        skip_beats,  // beats without a tap ahead of its result
  input  wire [4:0]  cfg_fifo_results,  // results that the output FIFO holds
  input  wire [3:0]  cfg_issue_ring  // size of the line buffer in units of this block's addresses
);
  wire [2:0] token_address;
  wire       token_weight;
  wire       token_free;
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
  reg        held_free_q, held_free_d;  // what is dead behind it, less one
  reg        held_frame_last_q, held_frame_last_d;  // last pixel of the frame
  reg  [2:0] start_grad_q, start_grad_d;  // address of the pixel's first tap
  reg        start_weight_q, start_weight_d;
  reg        next_free_q, next_free_d;  // what is dead behind it, less one
  reg        next_frame_last_q, next_frame_last_d;  // last pixel of the frame
  reg        next_last_q, next_last_d;  // it is an accumulation's last
  reg        next_done_q, next_done_d;  // and its pixel's
  reg        next_fresh_q, next_fresh_d;  // its address is a start, not a step
  reg  [3:0] next_grad_q, next_grad_d;  // words to it
  reg        next_weight_q, next_weight_d;
  reg  [3:0] next_start_grad_q, next_start_grad_d;
  reg        next_start_weight_q, next_start_weight_d;
  reg  [3:0] now_grad_q, now_grad_d;
  reg        now_weight_q, now_weight_d;
  reg  [2:0] out_grad_q, out_grad_d;
  reg        out_weight_q, out_weight_d;
  wire [3:0] grad_sum;
  wire       weight_sum;
  wire [3:0] grad_out;  // wrapped
  wire       unused_grad_out_sign;
  reg        entered_q, entered_d;  // a pixel did, in the cycle before
  reg        in_frame_q, in_frame_d;
  reg        out_free_q, out_free_d;  // less one: the last read of these is on its way
  reg        done;  // a pixel's last issue goes
  reg        skip_write_q, skip_write_d;
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
  assign token_free = token[10];
  assign token_frame_last = token[12];
  assign token_skip = token[13];
  assign grad_sum = (next_start_grad_q | next_grad_q) + (now_grad_q & {4{~next_fresh_q}});
  assign weight_sum = (next_start_weight_q | next_weight_q) + (now_weight_q & ~next_fresh_q);
  assign grad_out = now_grad_q + (cfg_issue_ring & {4{now_grad_q[3]}});
  assign unused_grad_out_sign = grad_out[3];
  assign skip_write = skip_write_q;
  assign skip_beats = skip_q;
  assign acc_first = first_line_q[1];
  assign acc_last = last_line_q[1];
  assign frame_last = frame_last_line_q[1];
  assign weight_address = out_weight_q;
  assign token_ready = load;
  assign frame_busy = in_frame_q;
  assign free_less_1 = out_free_q;
  assign grad_address = out_grad_q;
  assign unused_need = |token[9:6];
  assign unused_frame_first = token[11];
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
    held_free_d = held_free_q;
    held_frame_last_d = held_frame_last_q;
    start_grad_d = start_grad_q;
    start_weight_d = start_weight_q;
    next_free_d = next_free_q;
    next_frame_last_d = next_frame_last_q;
    next_last_d = next_last_q;
    next_done_d = next_done_q;
    next_fresh_d = next_fresh_q;
    next_grad_d = next_grad_q;
    next_weight_d = next_weight_q;
    next_start_grad_d = next_start_grad_q;
    next_start_weight_d = next_start_weight_q;
    now_grad_d = now_grad_q;
    now_weight_d = now_weight_q;
    held_skip_d = held_skip_q;
    next_skip_d = next_skip_q;
    first_line_d = first_line_q;
    last_line_d = last_line_q;
    frame_last_line_d = frame_last_line_q;
    acc_end = 1'd1;
    pixel_end = 1'd1;
    // What moves in this cycle.
    go = next_valid_q & ~blocked_q;
    advance = ~blocked_q;
    start = advance & next_first_q;
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
      held_free_d = token_free;
      held_frame_last_d = token_frame_last;
    end
    // The issue that goes next and how its addresses come from those of the one before.
    if (advance) begin
      next_valid_d = active_q;
      next_first_d = active_q & acc_start_q;
      next_last_d = active_q & acc_end;
      next_done_d = active_q & pixel_end;
      next_fresh_d = at_first_q;
      next_free_d = held_free_q;
      next_frame_last_d = held_frame_last_q;
      next_start_grad_d = 4'd0;
      next_start_grad_d[2:0] = start_grad_q;
      next_start_weight_d = start_weight_q;
      // A step is zero where the sum begins anew, a start elsewhere.
      if (at_first_q) begin
        next_grad_d = 4'd0;
        next_weight_d = 1'd0;
      end else begin
        next_start_grad_d = 4'd0;
        next_start_weight_d = 1'd0;
      end
    end
    // The addresses take the step; the ones in use go on to the memories.
    if (go) begin
      now_grad_d = grad_sum;
      now_weight_d = weight_sum;
    end
    out_grad_d = grad_out[2:0];
    out_weight_d = now_weight_q;
    done = advance & next_done_q;
    // Pixels of grad_output that nothing reads any more.
    out_free_d = 1'd1;
    if (done) begin
      out_free_d = next_free_q;
    end
    // A frame is under way until its last issue goes, unless the next is there.
    entered_d = load;
    in_frame_d = entered_q | (in_frame_q & ~(done & next_frame_last_q & ~active_q));
    // Places in the output FIFO, taken at the start of an accumulation.
    places_two = |places_q[4:1];
    places_step = 5'd1;
    if (start) begin
      places_step = 5'd31;
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
    skip_d = next_skip_q;
    first_line_d[0] = next_first_q;
    first_line_d[1] = first_line_q[0];
    acc_ends = advance & next_last_q;
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
      next_first_q <= 1'd0;
      places_q <= cfg_fifo_results;
      place_free_q <= 1'd1;
      blocked_q <= 1'd0;
      next_last_q <= 1'd0;
      next_done_q <= 1'd0;
      entered_q <= 1'd0;
      in_frame_q <= 1'd0;
      out_free_q <= 1'd1;
      skip_write_q <= 1'd0;
      last_line_q <= 2'd0;
    end else begin
      active_q <= active_d;
      next_valid_q <= next_valid_d;
      next_first_q <= next_first_d;
      places_q <= places_d;
      place_free_q <= place_free_d;
      blocked_q <= blocked_d;
      next_last_q <= next_last_d;
      next_done_q <= next_done_d;
      entered_q <= entered_d;
      in_frame_q <= in_frame_d;
      out_free_q <= out_free_d;
      skip_write_q <= skip_write_d;
      last_line_q <= last_line_d;
    end
    at_first_q <= at_first_d;
    acc_start_q <= acc_start_d;
    held_free_q <= held_free_d;
    held_frame_last_q <= held_frame_last_d;
    start_grad_q <= start_grad_d;
    start_weight_q <= start_weight_d;
    next_free_q <= next_free_d;
    next_frame_last_q <= next_frame_last_d;
    next_fresh_q <= next_fresh_d;
    next_grad_q <= next_grad_d;
    next_weight_q <= next_weight_d;
    next_start_grad_q <= next_start_grad_d;
    next_start_weight_q <= next_start_weight_d;
    now_grad_q <= now_grad_d;
    now_weight_q <= now_weight_d;
    out_grad_q <= out_grad_d;
    out_weight_q <= out_weight_d;
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
// result comes when its accumulation starts, by a FIFO of its own, and is expanded to zeros ahead of
// the result; the run at a frame's end follows the last one. The zeros do not wait for the result:
// they leave while it is computed.
//
// Promise: `tvalid`, `tdata` and `tlast` are registers and stay while `tready` is low; one beat a
// cycle, zeros and results alike; a result can leave three cycles after it was written, the first zero
// ahead of it four cycles after its run was; a cycle later where the FIFO is a block RAM.
module depthwise_small_result (
  input  wire        aclk,
  input  wire        aresetn,  // synchronous, active low
  input  wire        write,  // a result
  input  wire [31:0] acc,
  input  wire        frame_last,  // last result of a frame
  input  wire        skip_write,  // an accumulation starts
  input  wire        skip_beats,  // beats without a tap ahead of it
  output wire        taken,  // a place is free again
  output wire        tvalid,
  input  wire        tready,
  output wire [31:0] tdata,
  output wire        tlast,
  output wire        frame_done,  // the last beat of a frame was taken
  input  wire        cfg_has_end_beats,  // there are beats without a tap at a frame's end
  input  wire        cfg_end_beats_less_1  // beats without a tap at a frame's end, less one
);
  reg         out_last_q, out_last_d;
  reg  [31:0] out_data_q, out_data_d;
  reg         done_q, done_d;
  reg  [32:0] stored;
  wire [32:0] word;  // the next result, below the flag of a frame's last
  wire        open;  // the stream's registers are or become free
  wire [1:0]  written_run;
  wire [1:0]  run;
  wire        run_there;
  wire        load;  // that run is the next
  wire        run_taken;
  wire        run_gave;
  wire        unused_run_gave;
  reg         tail_due_q, tail_due_d;  // the next beat is one of the frame's end
  reg         tail_q, tail_d;  // beats of a frame's end after this one
  reg         tail_at_last_q, tail_at_last_d;  // there are none
  reg  [1:0]  left_q, left_d;  // beats of it that have yet to leave, less one
  wire [1:0]  left_next;
  reg  [1:0]  left_next_added;
  reg         armed_q, armed_d;  // the run ahead of the next result is known
  reg         turn_q, turn_d;  // no zero is due ahead of the next result
  reg         run_done;  // the run ahead of the next result is known, and done with
  reg         turn_moved;  // the same behind a beat that moves
  reg         out_valid_q, out_valid_d;
  wire        there;  // the next result is there
  wire        take;  // it moves to the stream's registers

  assign written_run[0] = skip_beats;
  assign written_run[1] = ~skip_beats;
  assign run_taken = load & run_there;
  assign unused_run_gave = run_gave;
  assign left_next = left_q + left_next_added;
  assign open = tready | ~out_valid_q;
  assign take = open & turn_q & there;
  assign load = take | ~armed_q;
  assign tvalid = out_valid_q;
  assign tdata = out_data_q;
  assign tlast = out_last_q;
  assign frame_done = done_q;

  always @* begin
    left_next_added = 2'd3;
    if (load) begin
      left_next_added = {1'd0, run[0]};
    end
  end

  always @* begin
    out_last_d = out_last_q;
    out_data_d = out_data_q;
    tail_d = tail_q;
    tail_at_last_d = tail_at_last_q;
    left_d = left_q;
    armed_d = armed_q;
    out_valid_d = out_valid_q;
    stored[31:0] = acc;
    stored[32] = frame_last;
    done_d = tvalid & tready & out_last_q;
    if (open) begin
      out_valid_d = (turn_q & there) | ((armed_q & ~turn_q) | tail_due_q);
      out_data_d = word[31:0];
      if (~turn_q) begin
        out_data_d = 32'd0;
      end
      out_last_d = (word[32] & turn_q & ~cfg_has_end_beats) | (tail_due_q & tail_at_last_q);
    end
    // The run ahead of the result behind this one.
    if (load) begin
      armed_d = run_there;
    end
    if ((load & run_there) | (open & (armed_q & ~turn_q & ~tail_due_q))) begin
      left_d = left_next;
    end
    // The run at a frame's end goes before the next frame's.
    if (open & tail_due_q) begin
      tail_d = tail_q + (cfg_end_beats_less_1 | ~tail_at_last_q);
      tail_at_last_d = (tail_q == 1'd1) | ~cfg_end_beats_less_1;
    end
    tail_due_d = (tail_due_q & ~(open & tail_at_last_q)) | (take & word[32] & cfg_has_end_beats);
    // Whether the result comes next, and no zero.
    run_done = run_there & run[1];
    if (armed_q) begin
      run_done = left_q[1];
    end
    turn_moved = run_done & ~(tail_due_q & ~tail_at_last_q);
    if (armed_q & ~turn_q & ~tail_due_q) begin
      turn_moved = left_q == 2'd0;
    end
    if (turn_q & there) begin
      turn_moved = run_there & run[1] & ~(word[32] & cfg_has_end_beats);
    end
    turn_d = run_done & ~tail_due_q;
    if (open) begin
      turn_d = turn_moved;
    end
  end

  always @(posedge aclk) begin
    if (~aresetn) begin
      done_q <= 1'd0;
      tail_due_q <= 1'd0;
      tail_q <= cfg_end_beats_less_1;
      tail_at_last_q <= ~cfg_end_beats_less_1;
      left_q <= 2'd3;
      armed_q <= 1'd0;
      turn_q <= 1'd0;
      out_valid_q <= 1'd0;
    end else begin
      done_q <= done_d;
      tail_due_q <= tail_due_d;
      tail_q <= tail_d;
      tail_at_last_q <= tail_at_last_d;
      left_q <= left_d;
      armed_q <= armed_d;
      turn_q <= turn_d;
      out_valid_q <= out_valid_d;
    end
    out_last_q <= out_last_d;
    out_data_q <= out_data_d;
  end

  depthwise_small_result_run_fifo u_runs (
    .aclk    (aclk),
    .aresetn (aresetn),
    .write   (skip_write),
    .beat    (written_run),
    .gave    (run_gave),
    .valid   (run_there),
    .word    (run),
    .take    (run_taken)
  );

  depthwise_small_result_results u_results (
    .aclk    (aclk),
    .aresetn (aresetn),
    .write   (write),
    .beat    (stored),
    .gave    (taken),
    .valid   (there),
    .word    (word),
    .take    (take)
  );
endmodule

// FIFO of beats. Who writes knows that there is a place: `gave` is a pulse for each that is free again,
// one for each beat, when the beat becomes the word at the latest.
//
// Promise: `word` is the oldest beat while `valid`, both registers, until `take`, which comes only
// while `valid`; one beat a cycle; a beat is there two cycles after it was written.
module depthwise_small_result_run_fifo (
  input  wire       aclk,
  input  wire       aresetn,  // synchronous, active low
  input  wire       write,
  input  wire [1:0] beat,
  output wire       gave,  // a place is free again
  output wire       valid,
  output wire [1:0] word,
  input  wire       take
);
  reg  [3:0] write_slot_q, write_slot_d;
  reg  [3:0] read_slot_q, read_slot_d;  // of a fetch just before, or else of the next
  reg  [3:0] slot_after_q, slot_after_d;  // the one behind it
  reg  [4:0] count_q, count_d;  // beats in the memory, and the one that was fetched in the cycle before
  reg        one_q, one_d;  // beats in the memory are one at least
  reg        two_q, two_d;  // the count is two at least
  reg        three_q, three_d;  // it is three at least
  reg        more;  // beats in the memory are two at least
  reg        fetched_q, fetched_d;  // one was fetched in the cycle before
  reg        held_q, held_d;  // the word has yet to be taken
  reg        open;  // the word is or becomes free
  reg        fetch;  // a beat is read
  reg        moves;  // a beat becomes the word
  wire [5:0] count_from;
  wire [5:0] count_step;
  wire [5:0] count_sum;  // above a bit whose carry is a write
  wire       unused_count_carry;
  reg  [3:0] fetch_slot;

  assign count_from[5:1] = count_q;
  assign count_from[0] = 1'd1;
  assign count_step[5:1] = {5{fetched_q}};
  assign count_step[0] = write;
  assign count_sum = count_from + count_step;
  assign unused_count_carry = count_sum[0];
  assign gave = fetched_q;
  assign valid = held_q;

  always @* begin
    fetch_slot = read_slot_q;
    if (fetched_q) begin
      fetch_slot = slot_after_q;
    end
  end

  always @* begin
    write_slot_d = write_slot_q;
    read_slot_d = read_slot_q;
    slot_after_d = slot_after_q;
    two_d = two_q;
    three_d = three_q;
    count_d = count_sum[5:1];
    more = two_q;
    if (fetched_q) begin
      more = three_q;
    end
    open = take | ~held_q;
    fetch = one_q & open;
    moves = fetch;
    // By flags, so that no fetch waits for a sum.
    one_d = write | more | (one_q & ~fetch);
    if (write & ~fetched_q) begin
      two_d = one_q;
      three_d = two_q;
    end
    if (fetched_q & ~write) begin
      two_d = three_q;
      three_d = |count_q[4:2];
    end
    held_d = moves | (held_q & ~take);
    fetched_d = fetch;
    if (write) begin
      write_slot_d = write_slot_q + 4'd1;
    end
    if (fetched_q) begin
      read_slot_d = slot_after_q;
      slot_after_d = slot_after_q + 4'd1;
    end
  end

  always @(posedge aclk) begin
    if (~aresetn) begin
      write_slot_q <= 4'd0;
      read_slot_q <= 4'd0;
      slot_after_q <= 4'd1;
      count_q <= 5'd0;
      one_q <= 1'd0;
      two_q <= 1'd0;
      three_q <= 1'd0;
      fetched_q <= 1'd0;
      held_q <= 1'd0;
    end else begin
      write_slot_q <= write_slot_d;
      read_slot_q <= read_slot_d;
      slot_after_q <= slot_after_d;
      count_q <= count_d;
      one_q <= one_d;
      two_q <= two_d;
      three_q <= three_d;
      fetched_q <= fetched_d;
      held_q <= held_d;
    end
  end

  depthwise_small_result_runs u_memory (
    .aclk          (aclk),
    .write         (write),
    .write_address (write_slot_q),
    .write_data    (beat),
    .read          (open),
    .read_address  (fetch_slot),
    .read_data     (word)
  );
endmodule

// Memory with one write and one read port.
// `read_data` changes in the cycle after `read` only.
module depthwise_small_result_runs (
  input  wire       aclk,
  input  wire       write,
  input  wire [3:0] write_address,
  input  wire [1:0] write_data,
  input  wire       read,
  input  wire [3:0] read_address,
  output wire [1:0] read_data
);

  // No use is made of a word that is read while it is written.
  (* no_rw_check *)
  reg [1:0] words [0:15];
  reg [1:0] read_data_q;

  assign read_data = read_data_q;

  always @(posedge aclk) begin
    if (write) words[write_address] <= write_data;
    if (read) read_data_q <= words[read_address];
  end
endmodule

// FIFO of beats. Who writes knows that there is a place: `gave` is a pulse for each that is free again,
// one for each beat, when the beat becomes the word at the latest.
//
// Promise: `word` is the oldest beat while `valid`, both registers, until `take`, which comes only
// while `valid`; one beat a cycle; a beat is there two cycles after it was written.
module depthwise_small_result_results (
  input  wire        aclk,
  input  wire        aresetn,  // synchronous, active low
  input  wire        write,
  input  wire [32:0] beat,
  output wire        gave,  // a place is free again
  output wire        valid,
  output wire [32:0] word,
  input  wire        take
);
  reg  [3:0] write_slot_q, write_slot_d;
  reg  [3:0] read_slot_q, read_slot_d;  // of a fetch just before, or else of the next
  reg  [3:0] slot_after_q, slot_after_d;  // the one behind it
  reg  [4:0] count_q, count_d;  // beats in the memory, and the one that was fetched in the cycle before
  reg        one_q, one_d;  // beats in the memory are one at least
  reg        two_q, two_d;  // the count is two at least
  reg        three_q, three_d;  // it is three at least
  reg        more;  // beats in the memory are two at least
  reg        fetched_q, fetched_d;  // one was fetched in the cycle before
  reg        held_q, held_d;  // the word has yet to be taken
  reg        open;  // the word is or becomes free
  reg        fetch;  // a beat is read
  reg        moves;  // a beat becomes the word
  wire [5:0] count_from;
  wire [5:0] count_step;
  wire [5:0] count_sum;  // above a bit whose carry is a write
  wire       unused_count_carry;
  reg  [3:0] fetch_slot;

  assign count_from[5:1] = count_q;
  assign count_from[0] = 1'd1;
  assign count_step[5:1] = {5{fetched_q}};
  assign count_step[0] = write;
  assign count_sum = count_from + count_step;
  assign unused_count_carry = count_sum[0];
  assign gave = fetched_q;
  assign valid = held_q;

  always @* begin
    fetch_slot = read_slot_q;
    if (fetched_q) begin
      fetch_slot = slot_after_q;
    end
  end

  always @* begin
    write_slot_d = write_slot_q;
    read_slot_d = read_slot_q;
    slot_after_d = slot_after_q;
    two_d = two_q;
    three_d = three_q;
    count_d = count_sum[5:1];
    more = two_q;
    if (fetched_q) begin
      more = three_q;
    end
    open = take | ~held_q;
    fetch = one_q & open;
    moves = fetch;
    // By flags, so that no fetch waits for a sum.
    one_d = write | more | (one_q & ~fetch);
    if (write & ~fetched_q) begin
      two_d = one_q;
      three_d = two_q;
    end
    if (fetched_q & ~write) begin
      two_d = three_q;
      three_d = |count_q[4:2];
    end
    held_d = moves | (held_q & ~take);
    fetched_d = fetch;
    if (write) begin
      write_slot_d = write_slot_q + 4'd1;
    end
    if (fetched_q) begin
      read_slot_d = slot_after_q;
      slot_after_d = slot_after_q + 4'd1;
    end
  end

  always @(posedge aclk) begin
    if (~aresetn) begin
      write_slot_q <= 4'd0;
      read_slot_q <= 4'd0;
      slot_after_q <= 4'd1;
      count_q <= 5'd0;
      one_q <= 1'd0;
      two_q <= 1'd0;
      three_q <= 1'd0;
      fetched_q <= 1'd0;
      held_q <= 1'd0;
    end else begin
      write_slot_q <= write_slot_d;
      read_slot_q <= read_slot_d;
      slot_after_q <= slot_after_d;
      count_q <= count_d;
      one_q <= one_d;
      two_q <= two_d;
      three_q <= three_d;
      fetched_q <= fetched_d;
      held_q <= held_d;
    end
  end

  depthwise_small_result_memory u_memory (
    .aclk          (aclk),
    .write         (write),
    .write_address (write_slot_q),
    .write_data    (beat),
    .read          (open),
    .read_address  (fetch_slot),
    .read_data     (word)
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

// Words, as they are used here:
//   accumulation: all issues of one pixel of the result and one block of its channels; once started it never
//     pauses
//   beat: what a stream moves in one cycle
//   block of channels: as many channels of the result as there are PE lanes, or of what moves as there are
//     SIMD lanes
//   issue: one cycle of the multipliers: a word of what moves and a word of what is stationary
//   lanes: multipliers side by side: SIMD over channels of what moves, PE over the result's (depthwise: over
//     groups)
//   line buffer: the ring of pixels of what moves that are alive
//   needs, opens: pixels of what moves that a pixel of the result is the first to need
//   pass: which of a convolution's three operations a layer is: data gradient, forward, weight gradient
//   places: free results of the output FIFO, taken when an accumulation starts
//   program: the steps of an axis as lines, with loops
//   result: the array that an engine makes: grad_input for the data gradient
//   run: beats of zeros in a row, for pixels that no tap reaches
//   sequencer: goes through a program, a line a step
//   step: what changes from one position with taps to the next along an axis
//   tap: a row or column of what is stationary that meets a pixel of the result
//   token: what the walk tells the issue loop of one pixel
//   word: a beat of what moves in the line buffer, or of a stationary set in its memory; with lanes over
//     pixels, one column of a phase for each of them
