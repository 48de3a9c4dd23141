// strided: back propagation of activation (data gradient) of a convolution.
// Made by bpa-engine 0.1.0 for this layer:
//   name = "strided"
//
//   [layer]
//   in_channels = 4
//   out_channels = 8
//   in_size = [5, 5]
//   kernel = [3, 3]
//   stride = [2, 2]
//   dilation = [1, 1]
//   padding = [0, 0, 0, 0]
//   groups = 1
//   out_size = [2, 2]
//
//   [engine]
//   simd = 2
//   pe = 2
//   grad_type = "int8"
//   weight_type = "int8"
//   weight_sets = 1
//
//
// Fixed shell: ties the core's configuration to this layer, so that synthesis folds it away.
module strided (
  input  wire        aclk,
  input  wire        aresetn,  // synchronous, active low
  input  wire        s_axis_grad_output_tvalid,  // dY: row, column, channel block; tlast ends a frame
  output wire        s_axis_grad_output_tready,
  input  wire [15:0] s_axis_grad_output_tdata,
  input  wire        s_axis_grad_output_tlast,
  input  wire        s_axis_weight_tvalid,  // weights; tlast ends a set
  output wire        s_axis_weight_tready,
  input  wire [31:0] s_axis_weight_tdata,
  input  wire        s_axis_weight_tlast,
  output wire        m_axis_grad_input_tvalid,  // dA: row, column, channel block; tlast ends a frame
  input  wire        m_axis_grad_input_tready,
  output wire [47:0] m_axis_grad_input_tdata,
  output wire        m_axis_grad_input_tlast,
  output wire        busy,  // a frame is in the engine
  output wire        frame_done,  // pulse: the last beat of a frame was taken
  output wire        error,  // sticky until reset: a tlast was misplaced
  output wire [5:0]  error_cause  // grad_output early, missing, late; weight early, missing, late
);
  localparam [3:0] CFG_WALK_RING = 4'd6;  // size of the line buffer in units of this block's addresses
  localparam [2:0] CFG_LINE_PIXELS = 3'd6;  // pixels in the line buffer
  localparam [1:0] CFG_PIXEL_WORDS_LESS_1 = 2'd3;  // words of a pixel of grad_output, less one
  localparam [2:0] CFG_LINE_LESS_1 = 3'd5;  // pixels in the line buffer, less one
  localparam [1:0] CFG_GRAD_PIXELS_LESS_1 = 2'd3;  // pixels of a frame of grad_output, less one
  localparam [6:0] CFG_WEIGHT_WORDS_LESS_1 = 7'd71;  // beats of a set of weights, less one
  localparam [1:0] CFG_K_BLOCKS_LESS_1 = 2'd3;  // blocks of K of a run, less one
  localparam       CFG_C_BLOCKS_LESS_1 = 1'd1;  // blocks of C of a run, less one
  localparam [3:0] CFG_GRAD_COLS = 4'd15;  // words to the next of the tap columns
  localparam [4:0] CFG_WEIGHT_COLS = 5'd2;  // weights to the next of the tap columns
  localparam [3:0] CFG_GRAD_COLS_BACK = 4'd1;  // words back to the last of the tap columns
  localparam [4:0] CFG_WEIGHT_COLS_BACK = 5'd30;  // weights back to the last of the tap columns
  localparam [3:0] CFG_GRAD_ROWS = 4'd14;  // words to the next of the tap rows
  localparam [4:0] CFG_WEIGHT_ROWS = 5'd6;  // weights to the next of the tap rows
  localparam [3:0] CFG_GRAD_ROWS_BACK = 4'd2;  // words back to the last of the tap rows
  localparam [4:0] CFG_WEIGHT_ROWS_BACK = 5'd26;  // weights back to the last of the tap rows
  localparam [4:0] CFG_WEIGHT_BLOCK = 5'd9;  // weights of one block of C, in units of the steps
  localparam [4:0] CFG_FIFO_RESULTS = 5'd16;  // results that the output FIFO holds
  localparam [3:0] CFG_ISSUE_RING = 4'd6;  // size of the line buffer in units of this block's addresses

  strided_core u_core (
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
    .cfg_pixel_words_less_1    (CFG_PIXEL_WORDS_LESS_1),
    .cfg_line_less_1           (CFG_LINE_LESS_1),
    .cfg_grad_pixels_less_1    (CFG_GRAD_PIXELS_LESS_1),
    .cfg_weight_words_less_1   (CFG_WEIGHT_WORDS_LESS_1),
    .cfg_k_blocks_less_1       (CFG_K_BLOCKS_LESS_1),
    .cfg_c_blocks_less_1       (CFG_C_BLOCKS_LESS_1),
    .cfg_grad_cols             (CFG_GRAD_COLS),
    .cfg_weight_cols           (CFG_WEIGHT_COLS),
    .cfg_grad_cols_back        (CFG_GRAD_COLS_BACK),
    .cfg_weight_cols_back      (CFG_WEIGHT_COLS_BACK),
    .cfg_grad_rows             (CFG_GRAD_ROWS),
    .cfg_weight_rows           (CFG_WEIGHT_ROWS),
    .cfg_grad_rows_back        (CFG_GRAD_ROWS_BACK),
    .cfg_weight_rows_back      (CFG_WEIGHT_ROWS_BACK),
    .cfg_weight_block          (CFG_WEIGHT_BLOCK),
    .cfg_fifo_results          (CFG_FIFO_RESULTS),
    .cfg_issue_ring            (CFG_ISSUE_RING)
  );
endmodule

// Core: streams in and out, what the layer is on the cfg_ inputs (steady while frames pass).
//
//   grad_output -> grad port -> line buffer -+
//   weight ------> weight port -> weights ---+-> lanes -> output FIFO -> grad_input
//   pixel walk -> token queue -> issue loop -'
module strided_core (
  input  wire        aclk,
  input  wire        aresetn,  // synchronous, active low
  input  wire        s_axis_grad_output_tvalid,  // dY: row, column, channel block; tlast ends a frame
  output wire        s_axis_grad_output_tready,
  input  wire [15:0] s_axis_grad_output_tdata,
  input  wire        s_axis_grad_output_tlast,
  input  wire        s_axis_weight_tvalid,  // weights; tlast ends a set
  output wire        s_axis_weight_tready,
  input  wire [31:0] s_axis_weight_tdata,
  input  wire        s_axis_weight_tlast,
  output wire        m_axis_grad_input_tvalid,  // dA: row, column, channel block; tlast ends a frame
  input  wire        m_axis_grad_input_tready,
  output wire [47:0] m_axis_grad_input_tdata,
  output wire        m_axis_grad_input_tlast,
  output wire        busy,  // a frame is in the engine
  output wire        frame_done,  // pulse: the last beat of a frame was taken
  output wire        error,  // sticky until reset: a tlast was misplaced
  output wire [5:0]  error_cause,  // grad_output early, missing, late; weight early, missing, late
  input  wire [3:0]  cfg_walk_ring,  // size of the line buffer in units of this block's addresses
  input  wire [2:0]  cfg_line_pixels,  // pixels in the line buffer
  input  wire [1:0]  cfg_pixel_words_less_1,  // words of a pixel of grad_output, less one
  input  wire [2:0]  cfg_line_less_1,  // pixels in the line buffer, less one
  input  wire [1:0]  cfg_grad_pixels_less_1,  // pixels of a frame of grad_output, less one
  input  wire [6:0]  cfg_weight_words_less_1,  // beats of a set of weights, less one
  input  wire [1:0]  cfg_k_blocks_less_1,  // blocks of K of a run, less one
  input  wire        cfg_c_blocks_less_1,  // blocks of C of a run, less one
  input  wire [3:0]  cfg_grad_cols,  // words to the next of the tap columns
  input  wire [4:0]  cfg_weight_cols,  // weights to the next of the tap columns
  input  wire [3:0]  cfg_grad_cols_back,  // words back to the last of the tap columns
  input  wire [4:0]  cfg_weight_cols_back,  // weights back to the last of the tap columns
  input  wire [3:0]  cfg_grad_rows,  // words to the next of the tap rows
  input  wire [4:0]  cfg_weight_rows,  // weights to the next of the tap rows
  input  wire [3:0]  cfg_grad_rows_back,  // words back to the last of the tap rows
  input  wire [4:0]  cfg_weight_rows_back,  // weights back to the last of the tap rows
  input  wire [4:0]  cfg_weight_block,  // weights of one block of C, in units of the steps
  input  wire [4:0]  cfg_fifo_results,  // results that the output FIFO holds
  input  wire [3:0]  cfg_issue_ring  // size of the line buffer in units of this block's addresses
);
  wire [5:0]  misplaced;  // a tlast, by stream and kind
  wire        frame_begin;
  wire        arrived;
  wire        free_less_1;
  wire        grad_write;
  wire [4:0]  grad_write_address;
  wire [15:0] grad_write_data;
  wire [4:0]  grad_address;
  wire [15:0] grad_word;
  wire        weights_ready;
  wire        frame_busy;
  wire        weight_write;
  wire [6:0]  weight_write_address;
  wire [6:0]  weight_address;
  wire [31:0] weight_word;
  wire        walk_valid;
  wire        walk_ready;
  wire [13:0] walk_token;
  wire        token_valid;
  wire        token_ready;
  wire [13:0] token;
  reg         weight_stored_q, weight_stored_d;
  reg  [6:0]  weight_stored_address_q, weight_stored_address_d;
  reg  [31:0] weight_stored_word_q, weight_stored_word_d;
  wire        acc_first;
  wire        acc_last;
  wire        frame_last;
  wire        taken;
  wire [41:0] acc;
  reg  [6:0]  first_line_q, first_line_d;  // travels beside the issue
  reg  [7:0]  last_line_q, last_line_d;  // travels beside the issue
  reg  [7:0]  frame_last_line_q, frame_last_line_d;  // travels beside the issue
  wire [41:0] out_data;
  reg  [47:0] out_wide;  // each value sign-extended to bytes
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
    first_line_d[6:1] = first_line_q[5:0];
    last_line_d[0] = acc_last;
    last_line_d[7:1] = last_line_q[6:0];
    frame_last_line_d[0] = frame_last;
    frame_last_line_d[7:1] = frame_last_line_q[6:0];
    out_wide[23:0] = {{3{out_data[20]}}, out_data[20:0]};
    out_wide[47:24] = {{3{out_data[41]}}, out_data[41:21]};
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
      last_line_q <= 8'd0;
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

  strided_walk u_walk (
    .aclk          (aclk),
    .aresetn       (aresetn),
    .token_valid   (walk_valid),
    .token_ready   (walk_ready),
    .token         (walk_token),
    .cfg_walk_ring (cfg_walk_ring)
  );

  strided_tokens u_tokens (
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

  strided_grad u_grad (
    .aclk                   (aclk),
    .aresetn                (aresetn),
    .tvalid                 (s_axis_grad_output_tvalid),
    .tready                 (s_axis_grad_output_tready),
    .tlast                  (s_axis_grad_output_tlast),
    .tdata                  (s_axis_grad_output_tdata),
    .write                  (grad_write),
    .write_address          (grad_write_address),
    .write_data             (grad_write_data),
    .arrived                (arrived),
    .free_less_1            (free_less_1),
    .frame_begin            (frame_begin),
    .tlast_early            (misplaced[0]),
    .tlast_missing          (misplaced[1]),
    .tlast_late             (misplaced[2]),
    .cfg_line_pixels        (cfg_line_pixels),
    .cfg_pixel_words_less_1 (cfg_pixel_words_less_1),
    .cfg_line_less_1        (cfg_line_less_1),
    .cfg_grad_pixels_less_1 (cfg_grad_pixels_less_1)
  );

  strided_line_buffer u_line_buffer (
    .aclk          (aclk),
    .write         (grad_write),
    .write_address (grad_write_address),
    .write_data    (grad_write_data),
    .read_address  (grad_address),
    .read_data     (grad_word)
  );

  strided_weight u_weight (
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

  strided_weights u_weights (
    .aclk          (aclk),
    .write         (weight_stored_q),
    .write_address (weight_stored_address_q),
    .write_data    (weight_stored_word_q),
    .read_address  (weight_address),
    .read_data     (weight_word)
  );

  strided_issue u_issue (
    .aclk                 (aclk),
    .aresetn              (aresetn),
    .token_valid          (token_valid),
    .token_ready          (token_ready),
    .token                (token),
    .frame_busy           (frame_busy),
    .free_less_1          (free_less_1),
    .taken                (taken),
    .grad_address         (grad_address),
    .weight_address       (weight_address),
    .acc_first            (acc_first),
    .acc_last             (acc_last),
    .frame_last           (frame_last),
    .cfg_k_blocks_less_1  (cfg_k_blocks_less_1),
    .cfg_c_blocks_less_1  (cfg_c_blocks_less_1),
    .cfg_grad_cols        (cfg_grad_cols),
    .cfg_weight_cols      (cfg_weight_cols),
    .cfg_grad_cols_back   (cfg_grad_cols_back),
    .cfg_weight_cols_back (cfg_weight_cols_back),
    .cfg_grad_rows        (cfg_grad_rows),
    .cfg_weight_rows      (cfg_weight_rows),
    .cfg_grad_rows_back   (cfg_grad_rows_back),
    .cfg_weight_rows_back (cfg_weight_rows_back),
    .cfg_weight_block     (cfg_weight_block),
    .cfg_fifo_results     (cfg_fifo_results),
    .cfg_issue_ring       (cfg_issue_ring)
  );

  strided_lanes u_lanes (
    .aclk      (aclk),
    .grad      (grad_word),
    .weight    (weight_word),
    .acc_first (first_line_q[6]),
    .acc       (acc)
  );

  strided_result u_result (
    .aclk       (aclk),
    .aresetn    (aresetn),
    .write      (last_line_q[7]),
    .acc        (acc),
    .frame_last (frame_last_line_q[7]),
    .taken      (taken),
    .tvalid     (m_axis_grad_input_tvalid),
    .tready     (m_axis_grad_input_tready),
    .tdata      (out_data),
    .tlast      (m_axis_grad_input_tlast),
    .frame_done (frame_done)
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
// which both are high; at least one token in three cycles.
//
// No pixel is done in fewer, and none of these sums is in a hurry: the next begins when the token has
// moved, the sequencers go on a cycle later, and where the line buffer is no power of two, the address
// is wrapped in the cycle behind the sum.
module strided_walk (
  input  wire        aclk,
  input  wire        aresetn,  // synchronous, active low
  output wire        token_valid,
  input  wire        token_ready,
  output wire [13:0] token,
  input  wire [3:0]  cfg_walk_ring  // size of the line buffer in units of this block's addresses
);
  wire        row_there;
  reg         row_advance;
  wire [13:0] row_step;
  wire        row_taps;  // taps more than before
  wire [2:0]  row_address;  // units of the line buffer from the step before
  wire [3:0]  row_weight;  // units of weights from the step before
  wire        row_opens;  // its pixels need what columns open
  wire [1:0]  row_need;  // pixels of grad_output that this one is the first to need, negative
  wire        row_closes;  // what columns close is dead behind them
  wire        row_free;  // what is dead behind the pixel, less one
  wire        row_last;  // last step of its round
  wire        col_there;
  reg         col_advance;
  wire [11:0] col_step;
  wire        col_taps;  // taps more than before
  wire [2:0]  col_address;  // units of the line buffer from the step before
  wire [3:0]  col_weight;  // units of weights from the step before
  wire [1:0]  col_need;  // pixels of grad_output that this one is the first to need, negative
  wire        col_free;  // what is dead behind the pixel, less one
  wire        col_last;  // last step of its round
  reg         valid_q, valid_d;  // the token is there
  reg         row_first_q, row_first_d;  // the next pixel is a row's first
  reg         frame_first_q, frame_first_d;  // the next row is a frame's first
  reg  [2:0]  address_q, address_d;  // line buffer, of the first tap
  reg  [3:0]  weight_q, weight_d;  // weight memory, likewise
  reg         tap_rows_q, tap_rows_d;  // less one
  reg         tap_cols_q, tap_cols_d;  // less one
  reg  [1:0]  need_q, need_d;  // pixels that it is the first to need, negative
  reg         free_q, free_d;  // what is dead behind the pixel, less one
  reg         first_q, first_d;  // a frame's first pixel
  reg         last_q, last_d;  // a frame's last pixel
  reg         settles_q, settles_d;  // the sums are new
  reg         emit;  // the next token goes into the registers
  reg         row_end;  // it is its row's last
  reg         row_done_q, row_done_d;  // so was the row's last pixel
  reg  [2:0]  wrapped;  // the address
  reg  [3:0]  sum_q, sum_d;  // the address, below twice the ring
  reg  [4:0]  less_q, less_d;  // less the ring; negative: no wrap is due
  wire [3:0]  next_address;
  reg  [3:0]  next_address_added;
  wire [3:0]  next_weight;
  reg  [3:0]  next_weight_added;
  wire [1:0]  opened;  // pixels that a row's other pixels need beyond those before
  reg  [1:0]  next_need;
  reg  [13:0] next_token;
  wire        unused_less;

  assign row_taps = row_step[13];
  assign row_address = row_step[12:10];
  assign row_weight = row_step[9:6];
  assign row_opens = row_step[5];
  assign row_need = row_step[4:3];
  assign row_closes = row_step[2];
  assign row_free = row_step[1];
  assign row_last = row_step[0];
  assign col_taps = col_step[11];
  assign col_address = col_step[10:8];
  assign col_weight = col_step[7:4];
  assign col_need = col_step[3:2];
  assign col_free = col_step[1];
  assign col_last = col_step[0];
  assign next_address = {1'd0, address_q} + next_address_added;
  assign next_weight = weight_q + next_weight_added;
  assign opened = col_need & {2{row_opens}};
  assign unused_less = less_q[3];
  assign token_valid = valid_q;
  assign token = next_token;

  always @* begin
    next_address_added = {1'd0, col_address};
    if (row_first_q) begin
      next_address_added = {1'd0, row_address};
    end
    next_weight_added = col_weight;
    if (row_first_q) begin
      next_weight_added = row_weight;
    end
    next_need = opened;
    if (row_first_q) begin
      next_need = row_need;
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
    sum_d = sum_q;
    // What moves in this cycle.
    emit = row_there & col_there & ~(valid_q | settles_q);
    settles_d = emit;
    valid_d = settles_q | (valid_q & ~token_ready);
    row_end = col_last;
    row_done_d = emit & row_end;
    row_advance = row_done_q;
    col_advance = settles_q;
    // The next pixel.
    if (emit) begin
      sum_d = next_address;
      weight_d = next_weight;
      need_d = next_need;
      row_first_d = row_end;
      tap_cols_d = tap_cols_q + col_taps;
      free_d = 1'd1;
      if (row_closes) begin
        free_d = col_free;
      end
      if (row_end) begin
        free_d = row_free;
      end
      first_d = row_first_q & frame_first_q;
      last_d = row_end & row_last;
    end
    less_d = {1'd0, sum_q} - {1'd0, cfg_walk_ring};
    wrapped = less_q[2:0];
    if (less_q[4]) begin
      wrapped = sum_q[2:0];
    end
    if (valid_q) begin
      address_d = wrapped;
    end
    if (emit & row_first_q) begin
      tap_rows_d = tap_rows_q + row_taps;
    end
    if (row_advance) begin
      frame_first_d = row_last;
    end
    next_token[2:0] = wrapped;
    next_token[6:3] = weight_q;
    next_token[7] = tap_rows_q;
    next_token[8] = tap_cols_q;
    next_token[10:9] = need_q;
    next_token[11] = free_q;
    next_token[12] = first_q;
    next_token[13] = last_q;
  end

  always @(posedge aclk) begin
    if (~aresetn) begin
      valid_q <= 1'd0;
      row_first_q <= 1'd1;
      frame_first_q <= 1'd1;
      address_q <= 3'd0;
      weight_q <= 4'd0;
      tap_rows_q <= 1'd0;
      tap_cols_q <= 1'd0;
      settles_q <= 1'd0;
      row_done_q <= 1'd0;
    end else begin
      valid_q <= valid_d;
      row_first_q <= row_first_d;
      frame_first_q <= frame_first_d;
      address_q <= address_d;
      weight_q <= weight_d;
      tap_rows_q <= tap_rows_d;
      tap_cols_q <= tap_cols_d;
      settles_q <= settles_d;
      row_done_q <= row_done_d;
    end
    need_q <= need_d;
    free_q <= free_d;
    first_q <= first_d;
    last_q <= last_d;
    sum_q <= sum_d;
    less_q <= less_d;
  end

  strided_walk_rows u_rows (
    .aclk    (aclk),
    .aresetn (aresetn),
    .advance (row_advance),
    .there   (row_there),
    .step    (row_step)
  );

  strided_walk_cols u_cols (
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
// `advance` goes to the next one in one cycle, and comes only while `there`, for a cycle at least before
// it and between two: whether the program jumps is worked out in it.
module strided_walk_rows (
  input  wire        aclk,
  input  wire        aresetn,  // synchronous, active low
  input  wire        advance,  // go to the next step
  output wire        there,
  output wire [13:0] step
);
  wire [14:0] line;  // the present line
  reg  [2:0]  place_q, place_d;  // line that is fetched next
  reg         filled_q, filled_d;
  reg         fetch;
  reg         will_jump;  // the line that was fetched last does not lead to the next
  reg         jumps_q, jumps_d;  // the same, since the cycle before
  wire        told_wrap;  // of the line ahead

  assign step = line[14:1];
  assign told_wrap = line[0];
  assign there = filled_q;

  always @* begin
    place_d = place_q;
    fetch = advance | ~filled_q;
    filled_d = 1'd1;
    will_jump = filled_q & told_wrap;
    if (fetch) begin
      place_d = place_q + 3'd1;
      if (jumps_q) begin
        place_d = 3'd1;
      end
    end
    jumps_d = will_jump;
  end

  always @(posedge aclk) begin
    if (~aresetn) begin
      place_q <= 3'd0;
      filled_q <= 1'd0;
      jumps_q <= 1'd0;
    end else begin
      place_q <= place_d;
      filled_q <= filled_d;
      jumps_q <= jumps_d;
    end
  end

  strided_walk_rows_program u_program (
    .aclk  (aclk),
    .fetch (fetch),
    .place (place_q),
    .line  (line)
  );
endmodule

// Program of an axis, a line a step.
//
// Promise: `line` is the line `place` as of the last `fetch`.
module strided_walk_rows_program (
  input  wire        aclk,
  input  wire        fetch,
  input  wire [2:0]  place,
  output wire [14:0] line
);

  reg [14:0] line_q;

  assign line = line_q;

  // taps    taps more than before
  // address units of the line buffer from the step before
  // weight  units of weights from the step before
  // opens   its pixels need what columns open
  // need    pixels of grad_output that this one is the first to need, negative
  // closes  what columns close is dead behind them
  // free    what is dead behind the pixel, less one
  // last    last step of its round
  // wrap    behind the line told ahead comes line 1
  always @(posedge aclk) begin
    if (fetch) begin
      case (place)
        //                     taps  address  weight  opens  need  closes  free  last  wrap
           3'd0: line_q <= {1'd0,    3'd0,   4'd0,  1'd1, 2'd3,   1'd0, 1'd1, 1'd0, 1'd0};  // row 0: 1 tap
           3'd1: line_q <= {1'd0,    3'd5,   4'd1,  1'd0, 2'd0,   1'd0, 1'd1, 1'd0, 1'd0};  // row 1: 1 tap
           3'd2: line_q <= {1'd1,    3'd1,  4'd11,  1'd1, 2'd3,   1'd1, 1'd0, 1'd0, 1'd0};  // row 2: 2 taps
           3'd3: line_q <= {1'd1,    3'd5,   4'd1,  1'd0, 2'd0,   1'd0, 1'd1, 1'd0, 1'd0};  // row 3: 1 tap
           3'd4: line_q <= {1'd0,    3'd5,   4'd1,  1'd0, 2'd0,   1'd1, 1'd0, 1'd1, 1'd1};  // row 4: 1 tap
        default: line_q <= {1'd0,    3'd1,   4'd8,  1'd1, 2'd3,   1'd0, 1'd1, 1'd0, 1'd0};  // row 0 of the next frame: 1 tap
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
// `advance` goes to the next one in one cycle, and comes only while `there`, for a cycle at least before
// it and between two: whether the program jumps is worked out in it.
module strided_walk_cols (
  input  wire        aclk,
  input  wire        aresetn,  // synchronous, active low
  input  wire        advance,  // go to the next step
  output wire        there,
  output wire [11:0] step
);
  wire [12:0] line;  // the present line
  reg  [2:0]  place_q, place_d;  // line that is fetched next
  reg         filled_q, filled_d;
  reg         fetch;
  reg         will_jump;  // the line that was fetched last does not lead to the next
  reg         jumps_q, jumps_d;  // the same, since the cycle before
  wire        told_wrap;  // of the line ahead

  assign step = line[12:1];
  assign told_wrap = line[0];
  assign there = filled_q;

  always @* begin
    place_d = place_q;
    fetch = advance | ~filled_q;
    filled_d = 1'd1;
    will_jump = filled_q & told_wrap;
    if (fetch) begin
      place_d = place_q + 3'd1;
      if (jumps_q) begin
        place_d = 3'd1;
      end
    end
    jumps_d = will_jump;
  end

  always @(posedge aclk) begin
    if (~aresetn) begin
      place_q <= 3'd0;
      filled_q <= 1'd0;
      jumps_q <= 1'd0;
    end else begin
      place_q <= place_d;
      filled_q <= filled_d;
      jumps_q <= jumps_d;
    end
  end

  strided_walk_cols_program u_program (
    .aclk  (aclk),
    .fetch (fetch),
    .place (place_q),
    .line  (line)
  );
endmodule

// Program of an axis, a line a step.
//
// Promise: `line` is the line `place` as of the last `fetch`.
module strided_walk_cols_program (
  input  wire        aclk,
  input  wire        fetch,
  input  wire [2:0]  place,
  output wire [12:0] line
);

  reg [12:0] line_q;

  assign line = line_q;

  // taps    taps more than before
  // address units of the line buffer from the step before
  // weight  units of weights from the step before
  // need    pixels of grad_output that this one is the first to need, negative
  // free    what is dead behind the pixel, less one
  // last    last step of its round
  // wrap    behind the line told ahead comes line 1
  always @(posedge aclk) begin
    if (fetch) begin
      case (place)
        //                     taps  address  weight  need  free  last  wrap
           3'd0: line_q <= {1'd0,    3'd0,   4'd0, 2'd0, 1'd1, 1'd0, 1'd0};  // column 0: 1 tap
           3'd1: line_q <= {1'd0,    3'd0,   4'd1, 2'd0, 1'd1, 1'd0, 1'd0};  // column 1: 1 tap
           3'd2: line_q <= {1'd1,    3'd1,  4'd15, 2'd3, 1'd0, 1'd0, 1'd0};  // column 2: 2 taps
           3'd3: line_q <= {1'd1,    3'd0,   4'd1, 2'd0, 1'd1, 1'd0, 1'd0};  // column 3: 1 tap
           3'd4: line_q <= {1'd0,    3'd0,   4'd1, 2'd0, 1'd1, 1'd1, 1'd1};  // column 4: 1 tap
        default: line_q <= {1'd0,    3'd0,   4'd0, 2'd0, 1'd1, 1'd0, 1'd0};  // column 0 of the next row: 1 tap
      endcase
    end
  end
endmodule

// One pixel token between the walk and the issue loop. It is held back until its grad_output has
// arrived, a frame's first one also until a whole set of weights is there: before, nothing of the
// frame has begun, and a new set of weights may still be meant for it.
//
// No pixel is done in fewer than three cycles: one in which the token leaves, one in which the next
// comes, one in which its need is compared.
//
// Promise: `in_ready` and `out_valid` are registers; a token moves on each side in every cycle in
// which both flags of that side are high; nothing is lost or reordered. A token can leave three cycles
// after the last beat that it needs was taken, and three after the one before. `out_ready` comes only
// while `out_valid`, which may fall again where `weights_ready` does.
module strided_tokens (
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
  reg         head_valid_q, head_valid_d;
  reg  [13:0] head_q, head_d;  // leaves next
  reg         may_go_q, may_go_d;  // the head may leave
  reg  [3:0]  credit_q, credit_d;  // pixels stored beyond those that the head and all before it need
  reg         takes;  // the head takes a token
  wire [4:0]  credit_from;
  wire [4:0]  credit_step;
  wire [4:0]  credit_sum;  // above a bit whose carry is a pixel's arrival
  wire        unused_credit_carry;

  assign credit_from[4:1] = credit_q;
  assign credit_from[0] = 1'd1;
  assign credit_step[4:1] = {{2{in_token[10]}}, in_token[10:9]} & {4{takes}};
  assign credit_step[0] = arrived;
  assign credit_sum = credit_from + credit_step;
  assign unused_credit_carry = credit_sum[0];
  assign in_ready = ~head_valid_q;
  assign out_valid = may_go_q;
  assign out_token = head_q;

  always @* begin
    head_d = head_q;
    takes = in_valid & ~head_valid_q;
    if (~head_valid_q) begin
      head_d = in_token;
    end
    head_valid_d = in_valid;
    if (head_valid_q) begin
      head_valid_d = ~out_ready;
    end
    credit_d = credit_sum[4:1];
    may_go_d = head_valid_q & ~out_ready & (weights_ready | ~head_q[12]) & ~credit_q[3];
  end

  always @(posedge aclk) begin
    if (~aresetn) begin
      head_valid_q <= 1'd0;
      may_go_q <= 1'd0;
      credit_q <= 4'd0;
    end else begin
      head_valid_q <= head_valid_d;
      may_go_q <= may_go_d;
      credit_q <= credit_d;
    end
    head_q <= head_d;
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
module strided_grad (
  input  wire        aclk,
  input  wire        aresetn,  // synchronous, active low
  input  wire        tvalid,
  output wire        tready,
  input  wire        tlast,
  input  wire [15:0] tdata,  // the bits that are values
  output wire        write,  // to the line buffer
  output wire [4:0]  write_address,
  output wire [15:0] write_data,
  output wire        arrived,  // a whole pixel is stored
  input  wire        free_less_1,  // what may be written over, less one
  output wire        frame_begin,  // a frame's first beat was taken
  output wire        tlast_early,
  output wire        tlast_missing,
  output wire        tlast_late,
  input  wire [2:0]  cfg_line_pixels,  // pixels in the line buffer
  input  wire [1:0]  cfg_pixel_words_less_1,  // words of a pixel of grad_output, less one
  input  wire [2:0]  cfg_line_less_1,  // pixels in the line buffer, less one
  input  wire [1:0]  cfg_grad_pixels_less_1  // pixels of a frame of grad_output, less one
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
  reg         word_nearly_q, word_nearly_d;  // at the last but one
  reg  [1:0]  word_q, word_d;  // word of the pixel
  reg         word_at_last_q, word_at_last_d;
  reg         mid_pixel_q, mid_pixel_d;  // the next beat is not a pixel's first
  reg  [2:0]  place_q, place_d;  // where the next one goes
  reg         place_at_last_q, place_at_last_d;
  reg         some_free;  // the next pixel has a place
  reg  [1:0]  pixels_left_q, pixels_left_d;  // pixels of the frame after this one
  reg         pixels_left_at_last_q, pixels_left_at_last_d;  // there are none
  reg         fills;  // space is taken by the beat
  reg         late_tlast_q, late_tlast_d;  // of the beat that was taken in the cycle before
  reg         seen;  // a beat's place in its frame is looked at
  reg         seen_pixel_end;  // it is its pixel's last
  wire [3:0]  space_from;
  wire [3:0]  space_step;
  wire [3:0]  space_sum;  // above a bit whose carry is a beat that takes no space
  wire        unused_space_carry;
  reg         overdue_q, overdue_d;  // tlast was missing and has not come since

  assign space_from[3:1] = space_q;
  assign space_from[0] = 1'd1;
  assign space_step[3:1] = {3{free_less_1}};
  assign space_step[0] = ~stored_q;
  assign space_sum = space_from + space_step;
  assign unused_space_carry = space_sum[0];
  assign tlast_early = seen & late_tlast_q & ~due & ~overdue_q;
  assign tlast_missing = due & ~(seen & late_tlast_q);
  assign tlast_late = seen & late_tlast_q & ~due & overdue_q;
  assign frame_begin = seen & first_beat_q;
  assign tready = ready_q;
  assign write = write_q;
  assign write_data = data_q;
  assign write_address[1:0] = word_q;
  assign write_address[4:2] = place_q;
  assign arrived = stored_q;

  always @* begin
    first_beat_d = first_beat_q;
    word_nearly_d = word_nearly_q;
    word_d = word_q;
    word_at_last_d = word_at_last_q;
    mid_pixel_d = mid_pixel_q;
    place_d = place_q;
    place_at_last_d = place_at_last_q;
    pixels_left_d = pixels_left_q;
    pixels_left_at_last_d = pixels_left_at_last_q;
    overdue_d = overdue_q;
    accept = tvalid & ready_q;
    // Where in its frame a beat is.
    word_end = word_at_last_q;
    if (write_q) begin
      word_end = word_nearly_q;
    end
    if (write_q) begin
      word_d = word_q + 2'd1;
      word_at_last_d = (word_q == (cfg_pixel_words_less_1 - 2'd1)) | (cfg_pixel_words_less_1 == 2'd0);
      word_nearly_d = word_q == (cfg_pixel_words_less_1 - 2'd2);
    end
    pixel_end = accept & word_end;
    late_tlast_d = tlast;
    seen = write_q;
    seen_pixel_end = stored_q;
    due = stored_q & pixels_left_at_last_q;
    if (seen_pixel_end) begin
      pixels_left_d = pixels_left_q + (cfg_grad_pixels_less_1 | {2{~pixels_left_at_last_q}});
      pixels_left_at_last_d = (pixels_left_q == 2'd1) | (cfg_grad_pixels_less_1 == 2'd0);
    end
    if (seen) begin
      first_beat_d = due;
    end
    // What of it is stored, and whether there is space for the next beat.
    store = accept;
    fills = pixel_end;
    space_d = space_sum[3:1];
    stored_d = pixel_end;
    some_free = space_q != 3'd0;
    if (fills | stored_q) begin
      some_free = |space_q[2:1];
    end
    if (accept) begin
      mid_pixel_d = ~word_end;
    end
    ready_d = some_free | mid_pixel_d;
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
    if (seen & late_tlast_q) begin
      overdue_d = 1'd0;
    end
    if (due & ~(seen & late_tlast_q)) begin
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
      word_nearly_q <= cfg_pixel_words_less_1 == 2'd1;
      word_q <= 2'd0;
      word_at_last_q <= cfg_pixel_words_less_1 == 2'd0;
      mid_pixel_q <= 1'd0;
      place_q <= 3'd0;
      place_at_last_q <= cfg_line_less_1 == 3'd0;
      pixels_left_q <= cfg_grad_pixels_less_1;
      pixels_left_at_last_q <= cfg_grad_pixels_less_1 == 2'd0;
      overdue_q <= 1'd0;
    end else begin
      space_q <= space_d;
      ready_q <= ready_d;
      first_beat_q <= first_beat_d;
      stored_q <= stored_d;
      write_q <= write_d;
      word_nearly_q <= word_nearly_d;
      word_q <= word_d;
      word_at_last_q <= word_at_last_d;
      mid_pixel_q <= mid_pixel_d;
      place_q <= place_d;
      place_at_last_q <= place_at_last_d;
      pixels_left_q <= pixels_left_d;
      pixels_left_at_last_q <= pixels_left_at_last_d;
      overdue_q <= overdue_d;
    end
    data_q <= data_d;
    late_tlast_q <= late_tlast_d;
  end
endmodule

// Memory with one write and one read port.
// `read_data` follows `read_address` by three cycles.
// A word written in one cycle can be read from the second after it.
module strided_line_buffer (
  input  wire        aclk,
  input  wire        write,
  input  wire [4:0]  write_address,
  input  wire [15:0] write_data,
  input  wire [4:0]  read_address,
  output wire [15:0] read_data
);

  // No use is made of a word that is read while it is written.
  (* no_rw_check *)
  reg [15:0] words [0:23];
  reg write_q;
  reg [4:0] write_address_q;
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
module strided_weight (
  input  wire       aclk,
  input  wire       aresetn,  // synchronous, active low
  input  wire       tvalid,
  output wire       tready,
  input  wire       tlast,
  output wire       write,  // to the weight memory
  output wire [6:0] write_address,
  output wire       weights_ready,
  input  wire       frame_busy,  // a frame reads the memory
  output wire       tlast_early,
  output wire       tlast_missing,
  output wire       tlast_late,
  input  wire [6:0] cfg_weight_words_less_1  // beats of a set of weights, less one
);
  reg        loading_q, loading_d;  // a set is being taken
  reg        ready_q, ready_d;
  reg        usable_q, usable_d;  // whole, and no other set waits
  reg  [1:0] told_q, told_d;  // `usable` in the two cycles before: a frame may begin by it and not yet be seen
  reg        quiet_q, quiet_d;  // no frame reads, or begins by what was told
  reg        begins_q, begins_d;  // the beat that waits begins a set
  reg        accept;
  reg  [6:0] address_q, address_d;  // where the next word goes
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
      address_d = address_q + 7'd1;
      address_at_last_d = (address_q == (cfg_weight_words_less_1 - 7'd1)) | (cfg_weight_words_less_1 == 7'd0);
    end
    if (~loading_q) begin
      address_d = 7'd0;
      address_at_last_d = cfg_weight_words_less_1 == 7'd0;
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
      address_q <= 7'd0;
      address_at_last_q <= cfg_weight_words_less_1 == 7'd0;
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
module strided_weights (
  input  wire        aclk,
  input  wire        write,
  input  wire [6:0]  write_address,
  input  wire [31:0] write_data,
  input  wire [6:0]  read_address,
  output wire [31:0] read_data
);

  // No use is made of a word that is read while it is written.
  (* no_rw_check *)
  reg [31:0] words [0:71];
  reg write_q;
  reg [6:0] write_address_q;
  reg [31:0] write_data_q;
  reg [31:0] read_q;
  reg [31:0] output_q;
  reg [31:0] read_data_q;

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
module strided_issue (
  input  wire        aclk,
  input  wire        aresetn,  // synchronous, active low
  input  wire        token_valid,  // its data and a whole set of weights are there
  output wire        token_ready,
  input  wire [13:0] token,
  output wire        frame_busy,  // a pixel entered two cycles ago, and its frame is not done
  output wire        free_less_1,  // dead as of now, less one
  input  wire        taken,  // one more place in the output FIFO is free
  output wire [4:0]  grad_address,  // line-buffer read
  output wire [6:0]  weight_address,  // weight read
  output wire        acc_first,
  output wire        acc_last,  // low while nothing is issued
  output wire        frame_last,  // with acc_last: last result of a frame
  input  wire [1:0]  cfg_k_blocks_less_1,  // blocks of K of a run, less one
  input  wire        cfg_c_blocks_less_1,  // blocks of C of a run, less one
  input  wire [3:0]  cfg_grad_cols,  // words to the next of the tap columns
  input  wire [4:0]  cfg_weight_cols,  // weights to the next of the tap columns
  input  wire [3:0]  cfg_grad_cols_back,  // words back to the last of the tap columns
  input  wire [4:0]  cfg_weight_cols_back,  // weights back to the last of the tap columns
  input  wire [3:0]  cfg_grad_rows,  // words to the next of the tap rows
  input  wire [4:0]  cfg_weight_rows,  // weights to the next of the tap rows
  input  wire [3:0]  cfg_grad_rows_back,  // words back to the last of the tap rows
  input  wire [4:0]  cfg_weight_rows_back,  // weights back to the last of the tap rows
  input  wire [4:0]  cfg_weight_block,  // weights of one block of C, in units of the steps
  input  wire [4:0]  cfg_fifo_results,  // results that the output FIFO holds
  input  wire [3:0]  cfg_issue_ring  // size of the line buffer in units of this block's addresses
);
  reg  [1:0] k_blocks_left_q, k_blocks_left_d;  // blocks of K after this one
  reg        k_blocks_last_q, k_blocks_last_d;
  reg        cols_forth_q, cols_forth_d;  // which way it runs
  reg        cols_held_q, cols_held_d;  // tap columns of a run, less one
  reg        cols_left_q, cols_left_d;  // tap columns after this one
  reg        cols_last_q, cols_last_d;
  reg        rows_forth_q, rows_forth_d;  // which way it runs
  reg        rows_held_q, rows_held_d;  // tap rows of a run, less one
  reg        rows_left_q, rows_left_d;  // tap rows after this one
  reg        rows_last_q, rows_last_d;
  reg        c_blocks_left_q, c_blocks_left_d;  // blocks of C after this one
  reg        c_blocks_last_q, c_blocks_last_d;
  wire [2:0] token_address;
  wire [3:0] token_weight;
  wire       token_tap_rows;
  wire       token_tap_cols;
  wire       token_free;
  wire       token_frame_last;
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
  reg        acc_end_q, acc_end_d;  // the loops stand at an accumulation's last issue
  reg        pixel_end_q, pixel_end_d;  // and at a pixel's
  reg        vacant;  // the loops have no pixel after this cycle
  reg        load;  // the next pixel enters them
  reg        at_first_q, at_first_d;  // at the pixel's first issue
  reg        acc_start_q, acc_start_d;  // at an accumulation's first issue
  reg        held_free_q, held_free_d;  // what is dead behind it, less one
  reg        held_frame_last_q, held_frame_last_d;  // last pixel of the frame
  reg  [2:0] start_grad_q, start_grad_d;  // address of the pixel's first tap
  reg  [3:0] start_weight_q, start_weight_d;
  reg  [1:0] turned_q, turned_d;  // loop that turned last
  reg        turned_back_q, turned_back_d;  // and it ran back
  reg        next_free_q, next_free_d;  // what is dead behind it, less one
  reg        next_frame_last_q, next_frame_last_d;  // last pixel of the frame
  reg        next_last_q, next_last_d;  // it is an accumulation's last
  reg        next_done_q, next_done_d;  // and its pixel's
  reg        next_fresh_q, next_fresh_d;  // its address is a start, not a step
  reg  [3:0] next_grad_q, next_grad_d;  // words to it
  reg  [4:0] next_weight_q, next_weight_d;
  reg  [3:0] next_start_grad_q, next_start_grad_d;
  reg  [4:0] next_start_weight_q, next_start_weight_d;
  reg  [1:0] next_k_block_q, next_k_block_d;
  reg  [3:0] now_grad_q, now_grad_d;
  reg  [4:0] now_weight_q, now_weight_d;
  reg  [4:0] out_grad_q, out_grad_d;
  reg  [6:0] out_weight_q, out_weight_d;
  wire [3:0] grad_sum;
  wire [4:0] weight_sum;
  wire [3:0] grad_out;  // wrapped
  wire       unused_grad_out_sign;
  reg  [1:0] now_k_block_q, now_k_block_d;
  reg        entered_q, entered_d;  // a pixel did, in the cycle before
  reg        in_frame_q, in_frame_d;
  reg        out_free_q, out_free_d;  // less one: the last read of these is on its way
  reg        done;  // a pixel's last issue goes
  reg  [1:0] first_line_q, first_line_d;  // travels beside the issue
  reg        acc_ends;  // an accumulation's last issue goes
  reg  [1:0] last_line_q, last_line_d;  // travels beside the issue
  reg        frame_ends;
  reg  [1:0] frame_last_line_q, frame_last_line_d;  // travels beside the issue
  wire       unused_need;
  wire       unused_frame_first;

  assign token_address = token[2:0];
  assign token_weight = token[6:3];
  assign token_tap_rows = token[7];
  assign token_tap_cols = token[8];
  assign token_free = token[11];
  assign token_frame_last = token[13];
  assign grad_sum = (next_start_grad_q | next_grad_q) + (now_grad_q & {4{~next_fresh_q}});
  assign weight_sum = (next_start_weight_q | next_weight_q) + (now_weight_q & {5{~next_fresh_q}});
  assign grad_out = now_grad_q + (cfg_issue_ring & {4{now_grad_q[3]}});
  assign unused_grad_out_sign = grad_out[3];
  assign acc_first = first_line_q[1];
  assign acc_last = last_line_q[1];
  assign frame_last = frame_last_line_q[1];
  assign weight_address = out_weight_q;
  assign token_ready = load;
  assign frame_busy = in_frame_q;
  assign free_less_1 = out_free_q;
  assign grad_address = out_grad_q;
  assign unused_need = |token[10:9];
  assign unused_frame_first = token[12];

  always @* begin
    k_blocks_left_d = k_blocks_left_q;
    k_blocks_last_d = k_blocks_last_q;
    cols_forth_d = cols_forth_q;
    cols_held_d = cols_held_q;
    cols_left_d = cols_left_q;
    cols_last_d = cols_last_q;
    rows_forth_d = rows_forth_q;
    rows_held_d = rows_held_q;
    rows_left_d = rows_left_q;
    rows_last_d = rows_last_q;
    c_blocks_left_d = c_blocks_left_q;
    c_blocks_last_d = c_blocks_last_q;
    active_d = active_q;
    next_valid_d = next_valid_q;
    next_first_d = next_first_q;
    places_d = places_q;
    place_free_d = place_free_q;
    acc_end_d = acc_end_q;
    pixel_end_d = pixel_end_q;
    at_first_d = at_first_q;
    acc_start_d = acc_start_q;
    held_free_d = held_free_q;
    held_frame_last_d = held_frame_last_q;
    start_grad_d = start_grad_q;
    start_weight_d = start_weight_q;
    turned_d = turned_q;
    turned_back_d = turned_back_q;
    next_free_d = next_free_q;
    next_frame_last_d = next_frame_last_q;
    next_last_d = next_last_q;
    next_done_d = next_done_q;
    next_fresh_d = next_fresh_q;
    next_grad_d = next_grad_q;
    next_weight_d = next_weight_q;
    next_start_grad_d = next_start_grad_q;
    next_start_weight_d = next_start_weight_q;
    next_k_block_d = next_k_block_q;
    now_grad_d = now_grad_q;
    now_weight_d = now_weight_q;
    out_grad_d = out_grad_q;
    out_weight_d = out_weight_q;
    now_k_block_d = now_k_block_q;
    first_line_d = first_line_q;
    last_line_d = last_line_q;
    frame_last_line_d = frame_last_line_q;
    // What moves in this cycle.
    go = next_valid_q & ~blocked_q;
    advance = ~blocked_q;
    start = advance & next_first_q;
    turn = advance & active_q;
    vacant = ~active_q | (advance & pixel_end_q);
    load = vacant & token_valid;
    // The loops: one turns where all inside it end.
    if (turn) begin
      at_first_d = 1'd0;
      acc_start_d = acc_end_q;
      k_blocks_left_d = k_blocks_left_q + (cfg_k_blocks_less_1 | {2{~k_blocks_last_q}});
      k_blocks_last_d = (k_blocks_left_q == 2'd1) | (cfg_k_blocks_less_1 == 2'd0);
      turned_d = 2'd0;
      turned_back_d = 1'd0;
      if (k_blocks_last_q) begin
        cols_left_d = cols_left_q - 1'd1;
        cols_last_d = cols_left_q == 1'd1;
        if (cols_last_q) begin
          cols_left_d = cols_held_q;
          cols_last_d = ~cols_held_q;
          cols_forth_d = ~cols_forth_q;
        end
        turned_d = 2'd1;
        turned_back_d = ~cols_forth_q;
        if (cols_last_q) begin
          rows_left_d = rows_left_q - 1'd1;
          rows_last_d = rows_left_q == 1'd1;
          if (rows_last_q) begin
            rows_left_d = rows_held_q;
            rows_last_d = ~rows_held_q;
            rows_forth_d = ~rows_forth_q;
          end
          turned_d = 2'd2;
          turned_back_d = ~rows_forth_q;
        end
      end
      if (acc_end_q) begin
        c_blocks_left_d = c_blocks_left_q + (cfg_c_blocks_less_1 | ~c_blocks_last_q);
        c_blocks_last_d = (c_blocks_left_q == 1'd1) | ~cfg_c_blocks_less_1;
        turned_d = 2'd3;
        turned_back_d = 1'd0;
      end
    end
    if (turn) begin
      acc_end_d = (k_blocks_left_q == 2'd1) & (cols_last_q & rows_last_q);
      pixel_end_d = (k_blocks_left_q == 2'd1) & (cols_last_q & rows_last_q & c_blocks_last_q);
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
      cols_left_d = token_tap_cols;
      cols_last_d = ~token_tap_cols;
      cols_held_d = token_tap_cols;
      cols_forth_d = 1'd1;
      rows_left_d = token_tap_rows;
      rows_last_d = ~token_tap_rows;
      rows_held_d = token_tap_rows;
      rows_forth_d = 1'd1;
      acc_end_d = 1'd0;
      pixel_end_d = 1'd0;
    end
    // The issue that goes next and how its addresses come from those of the one before.
    if (advance) begin
      next_valid_d = active_q;
      next_first_d = active_q & acc_start_q;
      next_last_d = active_q & acc_end_q;
      next_done_d = active_q & pixel_end_q;
      next_fresh_d = at_first_q;
      next_free_d = held_free_q;
      next_frame_last_d = held_frame_last_q;
      next_k_block_d = k_blocks_left_q;
      case (turned_q)
        2'd0: begin
          next_grad_d = 4'd0;
          next_weight_d = 5'd0;
        end
        2'd1: begin
          next_grad_d = cfg_grad_cols;
          next_weight_d = cfg_weight_cols;
          if (turned_back_q) begin
            next_grad_d = cfg_grad_cols_back;
            next_weight_d = cfg_weight_cols_back;
          end
        end
        2'd2: begin
          next_grad_d = cfg_grad_rows;
          next_weight_d = cfg_weight_rows;
          if (turned_back_q) begin
            next_grad_d = cfg_grad_rows_back;
            next_weight_d = cfg_weight_rows_back;
          end
        end
        default: begin
          next_grad_d = 4'd0;
          next_weight_d = cfg_weight_block;
        end
      endcase
      next_start_grad_d = 4'd0;
      next_start_grad_d[2:0] = start_grad_q;
      next_start_weight_d = 5'd0;
      next_start_weight_d[3:0] = start_weight_q;
      // A step is zero where the sum begins anew, a start elsewhere.
      if (at_first_q) begin
        next_grad_d = 4'd0;
        next_weight_d = 5'd0;
      end else begin
        next_start_grad_d = 4'd0;
        next_start_weight_d = 5'd0;
      end
    end
    // The addresses take the step; the ones in use go on to the memories.
    if (go) begin
      now_grad_d = grad_sum;
      now_weight_d = weight_sum;
      now_k_block_d = next_k_block_q;
    end
    out_grad_d[4:2] = grad_out[2:0];
    out_weight_d[6:2] = now_weight_q;
    out_grad_d[1:0] = now_k_block_q;
    out_weight_d[1:0] = now_k_block_q;
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
      k_blocks_left_q <= cfg_k_blocks_less_1;
      k_blocks_last_q <= cfg_k_blocks_less_1 == 2'd0;
      c_blocks_left_q <= cfg_c_blocks_less_1;
      c_blocks_last_q <= ~cfg_c_blocks_less_1;
      active_q <= 1'd0;
      next_valid_q <= 1'd0;
      next_first_q <= 1'd0;
      places_q <= cfg_fifo_results;
      place_free_q <= 1'd1;
      blocked_q <= 1'd0;
      acc_end_q <= 1'd0;
      pixel_end_q <= 1'd0;
      turned_q <= 2'd0;
      next_last_q <= 1'd0;
      next_done_q <= 1'd0;
      entered_q <= 1'd0;
      in_frame_q <= 1'd0;
      out_free_q <= 1'd1;
      last_line_q <= 2'd0;
    end else begin
      k_blocks_left_q <= k_blocks_left_d;
      k_blocks_last_q <= k_blocks_last_d;
      c_blocks_left_q <= c_blocks_left_d;
      c_blocks_last_q <= c_blocks_last_d;
      active_q <= active_d;
      next_valid_q <= next_valid_d;
      next_first_q <= next_first_d;
      places_q <= places_d;
      place_free_q <= place_free_d;
      blocked_q <= blocked_d;
      acc_end_q <= acc_end_d;
      pixel_end_q <= pixel_end_d;
      turned_q <= turned_d;
      next_last_q <= next_last_d;
      next_done_q <= next_done_d;
      entered_q <= entered_d;
      in_frame_q <= in_frame_d;
      out_free_q <= out_free_d;
      last_line_q <= last_line_d;
    end
    cols_forth_q <= cols_forth_d;
    cols_held_q <= cols_held_d;
    cols_left_q <= cols_left_d;
    cols_last_q <= cols_last_d;
    rows_forth_q <= rows_forth_d;
    rows_held_q <= rows_held_d;
    rows_left_q <= rows_left_d;
    rows_last_q <= rows_last_d;
    at_first_q <= at_first_d;
    acc_start_q <= acc_start_d;
    held_free_q <= held_free_d;
    held_frame_last_q <= held_frame_last_d;
    start_grad_q <= start_grad_d;
    start_weight_q <= start_weight_d;
    turned_back_q <= turned_back_d;
    next_free_q <= next_free_d;
    next_frame_last_q <= next_frame_last_d;
    next_fresh_q <= next_fresh_d;
    next_grad_q <= next_grad_d;
    next_weight_q <= next_weight_d;
    next_start_grad_q <= next_start_grad_d;
    next_start_weight_q <= next_start_weight_d;
    next_k_block_q <= next_k_block_d;
    now_grad_q <= now_grad_d;
    now_weight_q <= now_weight_d;
    out_grad_q <= out_grad_d;
    out_weight_q <= out_weight_d;
    now_k_block_q <= now_k_block_d;
    first_line_q <= first_line_d;
    frame_last_line_q <= frame_last_line_d;
  end
endmodule

// PE lanes side by side. Dense and grouped: every lane gets the same SIMD values of grad_output.
// Depthwise: each lane has its own. Value s of lane j stands at s*PE + j in a weight word, and in a
// depthwise grad_output word.
module strided_lanes (
  input  wire        aclk,
  input  wire [15:0] grad,
  input  wire [31:0] weight,
  input  wire        acc_first,
  output wire [41:0] acc  // lane 0 in the low bits
);
  reg  [15:0] weight0;
  reg  [15:0] weight1;

  always @* begin
    weight0[7:0] = weight[7:0];
    weight0[15:8] = weight[23:16];
    weight1[7:0] = weight[15:8];
    weight1[15:8] = weight[31:24];
  end

  strided_lane u_lane0 (
    .aclk      (aclk),
    .grad      (grad),
    .weight    (weight0),
    .acc_first (acc_first),
    .acc       (acc[20:0])
  );

  strided_lane u_lane1 (
    .aclk      (aclk),
    .grad      (grad),
    .weight    (weight1),
    .acc_first (acc_first),
    .acc       (acc[41:21])
  );
endmodule

// One lane over C: SIMD multipliers, an adder tree with a register at each level, an accumulator.
//
// Promise: takes an issue in every cycle and never stalls. `acc` holds the sum of all issues from
// the one with `acc_first` on; `acc_first` comes with the products' sum, not with the operands.
module strided_lane (
  input  wire        aclk,
  input  wire [15:0] grad,  // one value for each multiplier
  input  wire [15:0] weight,
  input  wire        acc_first,  // the sum starts anew
  output wire [20:0] acc  // signed
);
  wire [15:0] product0;
  wire [15:0] product1;
  reg  [16:0] sum1_0_q, sum1_0_d;
  reg  [20:0] term;  // the issue's sum at the accumulator's width

  always @* begin
    sum1_0_d = {{1{product0[15]}}, product0} + {{1{product1[15]}}, product1};
    term = {{4{sum1_0_q[16]}}, sum1_0_q};
  end

  always @(posedge aclk) begin
    sum1_0_q <= sum1_0_d;
  end

  strided_multiplier u_multiplier0 (
    .aclk    (aclk),
    .grad    (grad[7:0]),
    .weight  (weight[7:0]),
    .product (product0)
  );

  strided_multiplier u_multiplier1 (
    .aclk    (aclk),
    .grad    (grad[15:8]),
    .weight  (weight[15:8]),
    .product (product1)
  );

  strided_accumulator u_accumulator (
    .aclk  (aclk),
    .first (acc_first),
    .term  (term),
    .acc   (acc)
  );
endmodule

// Signed multiplier. `product` follows its operands by three cycles.
module strided_multiplier (
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
module strided_accumulator (
  input  wire        aclk,
  input  wire        first,
  input  wire [20:0] term,
  output wire [20:0] acc
);
  reg  [20:0] acc_q, acc_d;
  reg  [20:0] sum;

  assign acc = acc_q;

  always @* begin
    sum = term + (acc_q & {21{~first}});
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
module strided_result (
  input  wire        aclk,
  input  wire        aresetn,  // synchronous, active low
  input  wire        write,  // a result
  input  wire [41:0] acc,
  input  wire        frame_last,  // last result of a frame
  output wire        taken,  // a place is free again
  output wire        tvalid,
  input  wire        tready,
  output wire [41:0] tdata,
  output wire        tlast,
  output wire        frame_done  // the last beat of a frame was taken
);
  reg         out_last_q, out_last_d;
  reg  [41:0] out_data_q, out_data_d;
  reg         done_q, done_d;
  reg  [42:0] stored;
  wire [42:0] word;  // the next result, below the flag of a frame's last
  wire        open;  // the stream's registers are or become free

  assign tdata = out_data_q;
  assign tlast = out_last_q;
  assign frame_done = done_q;

  always @* begin
    out_last_d = out_last_q;
    out_data_d = out_data_q;
    stored[41:0] = acc;
    stored[42] = frame_last;
    done_d = tvalid & tready & out_last_q;
    if (open) begin
      out_data_d = word[41:0];
      out_last_d = word[42];
    end
  end

  always @(posedge aclk) begin
    if (~aresetn) begin
      done_q <= 1'd0;
    end else begin
      done_q <= done_d;
    end
    out_last_q <= out_last_d;
    out_data_q <= out_data_d;
  end

  strided_result_fifo u_results (
    .aclk    (aclk),
    .aresetn (aresetn),
    .write   (write),
    .beat    (stored),
    .gave    (taken),
    .word    (word),
    .tready  (tready),
    .tvalid  (tvalid),
    .open    (open)
  );
endmodule

// FIFO of beats ahead of a stream's registers. Who writes knows that there is a place: `gave` is a
// pulse for each that is free again, one for each beat, when the beat becomes the word at the latest.
//
// That the word and the stream's registers both hold a beat is a register of its own, so that the two
// do not hang on one enable.
//
// Promise: the stream's registers take `word` with `open`; `tvalid` tells that they hold a beat; all
// but `open` are registers; one beat a cycle; a beat is the word two cycles after it was written.
module strided_result_fifo (
  input  wire        aclk,
  input  wire        aresetn,  // synchronous, active low
  input  wire        write,
  input  wire [42:0] beat,
  output wire        gave,  // a place is free again
  output wire [42:0] word,
  input  wire        tready,
  output wire        tvalid,
  output wire        open  // the stream's registers take the word
);
  reg        out_valid_q, out_valid_d;  // the stream's registers hold a beat
  reg        full_q, full_d;  // they do, and so does the word
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
  reg        word_open;  // the word is or becomes free
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
  assign open = tready | ~out_valid_q;
  assign tvalid = out_valid_q;

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
    word_open = tready | ~full_q;
    fetch = one_q & word_open;
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
    held_d = moves | ~word_open;
    out_valid_d = held_q | (out_valid_q & ~tready);
    full_d = held_d & out_valid_d;
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
      out_valid_q <= 1'd0;
      full_q <= 1'd0;
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
      out_valid_q <= out_valid_d;
      full_q <= full_d;
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

  strided_result_memory u_memory (
    .aclk          (aclk),
    .write         (write),
    .write_address (write_slot_q),
    .write_data    (beat),
    .read          (word_open),
    .read_address  (fetch_slot),
    .read_data     (word)
  );
endmodule

// Memory with one write and one read port.
// `read_data` changes in the cycle after `read` only.
module strided_result_memory (
  input  wire        aclk,
  input  wire        write,
  input  wire [3:0]  write_address,
  input  wire [42:0] write_data,
  input  wire        read,
  input  wire [3:0]  read_address,
  output wire [42:0] read_data
);

  // No use is made of a word that is read while it is written.
  (* no_rw_check *)
  reg [42:0] words [0:15];
  reg [42:0] read_data_q;

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
