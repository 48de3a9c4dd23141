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
  localparam [2:0] CFG_ROW_VISITS_LESS_1 = 3'd4;  // visits of a walk, less one
  localparam [4:0] CFG_ROW_ADDRESS_STEP = 5'd8;  // words from a visit of a slot to its next
  localparam [4:0] CFG_ROW_ADDRESS_CLIP = 5'd0;  // the same where its first tap leaves
  localparam [5:0] CFG_ROW_WEIGHT_TAP = 6'd24;  // weight words from tap to tap
  localparam       CFG_ROW_CLIP_PERIOD_LESS_1 = 1'd0;  // visits of a slot between taps that leave, less one
  localparam [5:0] CFG_LINE_WORDS = 6'd24;  // words in the line buffer
  localparam [1:0] CFG_ROW_SLOT0_TAPS = 2'd1;  // taps at the first visit
  localparam [4:0] CFG_ROW_SLOT0_ADDRESS = 5'd0;  // line-buffer offset of its first tap, words
  localparam [5:0] CFG_ROW_SLOT0_WEIGHT = 6'd0;  // weight offset of its first tap, words
  localparam       CFG_ROW_SLOT0_CLIP_IN = 1'd1;  // visits until its first tap leaves
  localparam       CFG_ROW_SLOT0_CLIPPED = 1'd0;  // taps have left before the first visit
  localparam       CFG_ROW_SLOT0_GROWS_LEFT = 1'd1;  // taps that have yet to enter
  localparam       CFG_ROW_SLOT0_OPENS_FIRST = 1'd1;  // first visit needs new input
  localparam       CFG_ROW_SLOT0_EXTRA = 1'd0;  // pixels that the first visit opens beyond one position
  localparam       CFG_ROW_SLOT0_OPENS = 1'd1;  // later visits need new input
  localparam       CFG_ROW_SLOT0_CLOSES = 1'd1;  // holds the kernel's last tap
  localparam [1:0] CFG_ROW_SLOT1_TAPS = 2'd1;  // taps at the first visit
  localparam [4:0] CFG_ROW_SLOT1_ADDRESS = 5'd0;  // line-buffer offset of its first tap, words
  localparam [5:0] CFG_ROW_SLOT1_WEIGHT = 6'd12;  // weight offset of its first tap, words
  localparam       CFG_ROW_SLOT1_CLIP_IN = 1'd1;  // visits until its first tap leaves
  localparam       CFG_ROW_SLOT1_CLIPPED = 1'd1;  // taps have left before the first visit
  localparam       CFG_ROW_SLOT1_GROWS_LEFT = 1'd0;  // taps that have yet to enter
  localparam       CFG_ROW_SLOT1_OPENS_FIRST = 1'd0;  // first visit needs new input
  localparam       CFG_ROW_SLOT1_EXTRA = 1'd0;  // pixels that the first visit opens beyond one position
  localparam       CFG_ROW_SLOT1_OPENS = 1'd0;  // later visits need new input
  localparam       CFG_ROW_SLOT1_CLOSES = 1'd0;  // holds the kernel's last tap
  localparam [2:0] CFG_COL_VISITS_LESS_1 = 3'd4;  // visits of a walk, less one
  localparam [4:0] CFG_COL_ADDRESS_STEP = 5'd4;  // words from a visit of a slot to its next
  localparam [4:0] CFG_COL_ADDRESS_CLIP = 5'd0;  // the same where its first tap leaves
  localparam [5:0] CFG_COL_WEIGHT_TAP = 6'd8;  // weight words from tap to tap
  localparam       CFG_COL_CLIP_PERIOD_LESS_1 = 1'd0;  // visits of a slot between taps that leave, less one
  localparam [1:0] CFG_COL_SLOT0_TAPS = 2'd1;  // taps at the first visit
  localparam [4:0] CFG_COL_SLOT0_ADDRESS = 5'd0;  // line-buffer offset of its first tap, words
  localparam [5:0] CFG_COL_SLOT0_WEIGHT = 6'd0;  // weight offset of its first tap, words
  localparam       CFG_COL_SLOT0_CLIP_IN = 1'd1;  // visits until its first tap leaves
  localparam       CFG_COL_SLOT0_CLIPPED = 1'd0;  // taps have left before the first visit
  localparam       CFG_COL_SLOT0_GROWS_LEFT = 1'd1;  // taps that have yet to enter
  localparam       CFG_COL_SLOT0_OPENS_FIRST = 1'd1;  // first visit needs new input
  localparam       CFG_COL_SLOT0_EXTRA = 1'd0;  // pixels that the first visit opens beyond one position
  localparam       CFG_COL_SLOT0_OPENS = 1'd1;  // later visits need new input
  localparam       CFG_COL_SLOT0_CLOSES = 1'd1;  // holds the kernel's last tap
  localparam [1:0] CFG_COL_SLOT1_TAPS = 2'd1;  // taps at the first visit
  localparam [4:0] CFG_COL_SLOT1_ADDRESS = 5'd0;  // line-buffer offset of its first tap, words
  localparam [5:0] CFG_COL_SLOT1_WEIGHT = 6'd4;  // weight offset of its first tap, words
  localparam       CFG_COL_SLOT1_CLIP_IN = 1'd1;  // visits until its first tap leaves
  localparam       CFG_COL_SLOT1_CLIPPED = 1'd1;  // taps have left before the first visit
  localparam       CFG_COL_SLOT1_GROWS_LEFT = 1'd0;  // taps that have yet to enter
  localparam       CFG_COL_SLOT1_OPENS_FIRST = 1'd0;  // first visit needs new input
  localparam       CFG_COL_SLOT1_EXTRA = 1'd0;  // pixels that the first visit opens beyond one position
  localparam       CFG_COL_SLOT1_OPENS = 1'd0;  // later visits need new input
  localparam       CFG_COL_SLOT1_CLOSES = 1'd0;  // holds the kernel's last tap
  localparam [4:0] CFG_FRAME_STEP = 5'd16;  // words stored of a frame, modulo the line buffer
  localparam       CFG_FREE_ROW_END = 1'd0;  // pixels freed at the end of a row that closes one
  localparam       CFG_FREE_FRAME_END = 1'd0;  // pixels freed at the end of a frame
  localparam [2:0] CFG_LINE_PIXELS = 3'd6;  // pixels in the line buffer
  localparam [1:0] CFG_PIXEL_WORDS_LESS_1 = 2'd3;  // words of a pixel of grad_output, less one
  localparam [4:0] CFG_LINE_WORDS_LESS_1 = 5'd23;  // words in the line buffer, less one
  localparam [1:0] CFG_GRAD_PIXELS_LESS_1 = 2'd3;  // pixels of a frame of grad_output, less one
  localparam [6:0] CFG_WEIGHT_WORDS_LESS_1 = 7'd71;  // beats of a set of weights, less one
  localparam [1:0] CFG_K_BLOCKS_LESS_1 = 2'd3;  // blocks of K of a run, less one
  localparam       CFG_C_BLOCKS_LESS_1 = 1'd1;  // blocks of C of a run, less one
  localparam [4:0] CFG_GRAD_K_BLOCKS = 5'd1;  // words to the next of the blocks of K
  localparam [4:0] CFG_GRAD_K_BLOCKS_BACK = 5'd23;  // words back to the last of the blocks of K
  localparam [6:0] CFG_WEIGHT_K_BLOCKS = 7'd1;  // weights to the next of the blocks of K
  localparam [6:0] CFG_WEIGHT_K_BLOCKS_BACK = 7'd127;  // weights back to the last of the blocks of K
  localparam [4:0] CFG_GRAD_COLS = 5'd20;  // words to the next of the tap columns
  localparam [4:0] CFG_GRAD_COLS_BACK = 5'd4;  // words back to the last of the tap columns
  localparam [6:0] CFG_WEIGHT_COLS = 7'd8;  // weights to the next of the tap columns
  localparam [6:0] CFG_WEIGHT_COLS_BACK = 7'd120;  // weights back to the last of the tap columns
  localparam [4:0] CFG_GRAD_ROWS = 5'd16;  // words to the next of the tap rows
  localparam [4:0] CFG_GRAD_ROWS_BACK = 5'd8;  // words back to the last of the tap rows
  localparam [6:0] CFG_WEIGHT_ROWS = 7'd24;  // weights to the next of the tap rows
  localparam [6:0] CFG_WEIGHT_ROWS_BACK = 7'd104;  // weights back to the last of the tap rows
  localparam [6:0] CFG_WEIGHT_BLOCK = 7'd36;  // weights of one block of C
  localparam [4:0] CFG_FIFO_RESULTS = 5'd16;  // results that the output FIFO holds

  strided_core u_core (
    .aclk                       (aclk),
    .aresetn                    (aresetn),
    .s_axis_grad_output_tvalid  (s_axis_grad_output_tvalid),
    .s_axis_grad_output_tready  (s_axis_grad_output_tready),
    .s_axis_grad_output_tdata   (s_axis_grad_output_tdata),
    .s_axis_grad_output_tlast   (s_axis_grad_output_tlast),
    .s_axis_weight_tvalid       (s_axis_weight_tvalid),
    .s_axis_weight_tready       (s_axis_weight_tready),
    .s_axis_weight_tdata        (s_axis_weight_tdata),
    .s_axis_weight_tlast        (s_axis_weight_tlast),
    .m_axis_grad_input_tvalid   (m_axis_grad_input_tvalid),
    .m_axis_grad_input_tready   (m_axis_grad_input_tready),
    .m_axis_grad_input_tdata    (m_axis_grad_input_tdata),
    .m_axis_grad_input_tlast    (m_axis_grad_input_tlast),
    .busy                       (busy),
    .frame_done                 (frame_done),
    .error                      (error),
    .error_cause                (error_cause),
    .cfg_line_words             (CFG_LINE_WORDS),
    .cfg_frame_step             (CFG_FRAME_STEP),
    .cfg_free_row_end           (CFG_FREE_ROW_END),
    .cfg_free_frame_end         (CFG_FREE_FRAME_END),
    .cfg_row_visits_less_1      (CFG_ROW_VISITS_LESS_1),
    .cfg_row_address_step       (CFG_ROW_ADDRESS_STEP),
    .cfg_row_address_clip       (CFG_ROW_ADDRESS_CLIP),
    .cfg_row_weight_tap         (CFG_ROW_WEIGHT_TAP),
    .cfg_row_clip_period_less_1 (CFG_ROW_CLIP_PERIOD_LESS_1),
    .cfg_row_slot0_taps         (CFG_ROW_SLOT0_TAPS),
    .cfg_row_slot0_address      (CFG_ROW_SLOT0_ADDRESS),
    .cfg_row_slot0_weight       (CFG_ROW_SLOT0_WEIGHT),
    .cfg_row_slot0_clip_in      (CFG_ROW_SLOT0_CLIP_IN),
    .cfg_row_slot0_clipped      (CFG_ROW_SLOT0_CLIPPED),
    .cfg_row_slot0_grows_left   (CFG_ROW_SLOT0_GROWS_LEFT),
    .cfg_row_slot0_opens_first  (CFG_ROW_SLOT0_OPENS_FIRST),
    .cfg_row_slot0_extra        (CFG_ROW_SLOT0_EXTRA),
    .cfg_row_slot0_opens        (CFG_ROW_SLOT0_OPENS),
    .cfg_row_slot0_closes       (CFG_ROW_SLOT0_CLOSES),
    .cfg_row_slot1_taps         (CFG_ROW_SLOT1_TAPS),
    .cfg_row_slot1_address      (CFG_ROW_SLOT1_ADDRESS),
    .cfg_row_slot1_weight       (CFG_ROW_SLOT1_WEIGHT),
    .cfg_row_slot1_clip_in      (CFG_ROW_SLOT1_CLIP_IN),
    .cfg_row_slot1_clipped      (CFG_ROW_SLOT1_CLIPPED),
    .cfg_row_slot1_grows_left   (CFG_ROW_SLOT1_GROWS_LEFT),
    .cfg_row_slot1_opens_first  (CFG_ROW_SLOT1_OPENS_FIRST),
    .cfg_row_slot1_extra        (CFG_ROW_SLOT1_EXTRA),
    .cfg_row_slot1_opens        (CFG_ROW_SLOT1_OPENS),
    .cfg_row_slot1_closes       (CFG_ROW_SLOT1_CLOSES),
    .cfg_col_visits_less_1      (CFG_COL_VISITS_LESS_1),
    .cfg_col_address_step       (CFG_COL_ADDRESS_STEP),
    .cfg_col_address_clip       (CFG_COL_ADDRESS_CLIP),
    .cfg_col_weight_tap         (CFG_COL_WEIGHT_TAP),
    .cfg_col_clip_period_less_1 (CFG_COL_CLIP_PERIOD_LESS_1),
    .cfg_col_slot0_taps         (CFG_COL_SLOT0_TAPS),
    .cfg_col_slot0_address      (CFG_COL_SLOT0_ADDRESS),
    .cfg_col_slot0_weight       (CFG_COL_SLOT0_WEIGHT),
    .cfg_col_slot0_clip_in      (CFG_COL_SLOT0_CLIP_IN),
    .cfg_col_slot0_clipped      (CFG_COL_SLOT0_CLIPPED),
    .cfg_col_slot0_grows_left   (CFG_COL_SLOT0_GROWS_LEFT),
    .cfg_col_slot0_opens_first  (CFG_COL_SLOT0_OPENS_FIRST),
    .cfg_col_slot0_extra        (CFG_COL_SLOT0_EXTRA),
    .cfg_col_slot0_opens        (CFG_COL_SLOT0_OPENS),
    .cfg_col_slot0_closes       (CFG_COL_SLOT0_CLOSES),
    .cfg_col_slot1_taps         (CFG_COL_SLOT1_TAPS),
    .cfg_col_slot1_address      (CFG_COL_SLOT1_ADDRESS),
    .cfg_col_slot1_weight       (CFG_COL_SLOT1_WEIGHT),
    .cfg_col_slot1_clip_in      (CFG_COL_SLOT1_CLIP_IN),
    .cfg_col_slot1_clipped      (CFG_COL_SLOT1_CLIPPED),
    .cfg_col_slot1_grows_left   (CFG_COL_SLOT1_GROWS_LEFT),
    .cfg_col_slot1_opens_first  (CFG_COL_SLOT1_OPENS_FIRST),
    .cfg_col_slot1_extra        (CFG_COL_SLOT1_EXTRA),
    .cfg_col_slot1_opens        (CFG_COL_SLOT1_OPENS),
    .cfg_col_slot1_closes       (CFG_COL_SLOT1_CLOSES),
    .cfg_line_pixels            (CFG_LINE_PIXELS),
    .cfg_pixel_words_less_1     (CFG_PIXEL_WORDS_LESS_1),
    .cfg_line_words_less_1      (CFG_LINE_WORDS_LESS_1),
    .cfg_grad_pixels_less_1     (CFG_GRAD_PIXELS_LESS_1),
    .cfg_weight_words_less_1    (CFG_WEIGHT_WORDS_LESS_1),
    .cfg_k_blocks_less_1        (CFG_K_BLOCKS_LESS_1),
    .cfg_c_blocks_less_1        (CFG_C_BLOCKS_LESS_1),
    .cfg_grad_k_blocks          (CFG_GRAD_K_BLOCKS),
    .cfg_grad_k_blocks_back     (CFG_GRAD_K_BLOCKS_BACK),
    .cfg_weight_k_blocks        (CFG_WEIGHT_K_BLOCKS),
    .cfg_weight_k_blocks_back   (CFG_WEIGHT_K_BLOCKS_BACK),
    .cfg_grad_cols              (CFG_GRAD_COLS),
    .cfg_grad_cols_back         (CFG_GRAD_COLS_BACK),
    .cfg_weight_cols            (CFG_WEIGHT_COLS),
    .cfg_weight_cols_back       (CFG_WEIGHT_COLS_BACK),
    .cfg_grad_rows              (CFG_GRAD_ROWS),
    .cfg_grad_rows_back         (CFG_GRAD_ROWS_BACK),
    .cfg_weight_rows            (CFG_WEIGHT_ROWS),
    .cfg_weight_rows_back       (CFG_WEIGHT_ROWS_BACK),
    .cfg_weight_block           (CFG_WEIGHT_BLOCK),
    .cfg_fifo_results           (CFG_FIFO_RESULTS)
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
  input  wire [5:0]  cfg_line_words,  // words in the line buffer
  input  wire [4:0]  cfg_frame_step,  // words stored of a frame, modulo the line buffer
  input  wire        cfg_free_row_end,  // pixels freed at the end of a row that closes one
  input  wire        cfg_free_frame_end,  // pixels freed at the end of a frame
  input  wire [2:0]  cfg_row_visits_less_1,  // visits of a walk, less one
  input  wire [4:0]  cfg_row_address_step,  // words from a visit of a slot to its next
  input  wire [4:0]  cfg_row_address_clip,  // the same where its first tap leaves
  input  wire [5:0]  cfg_row_weight_tap,  // weight words from tap to tap
  input  wire        cfg_row_clip_period_less_1,  // visits of a slot between taps that leave, less one
  input  wire [1:0]  cfg_row_slot0_taps,  // taps at the first visit
  input  wire [4:0]  cfg_row_slot0_address,  // line-buffer offset of its first tap, words
  input  wire [5:0]  cfg_row_slot0_weight,  // weight offset of its first tap, words
  input  wire        cfg_row_slot0_clip_in,  // visits until its first tap leaves
  input  wire        cfg_row_slot0_clipped,  // taps have left before the first visit
  input  wire        cfg_row_slot0_grows_left,  // taps that have yet to enter
  input  wire        cfg_row_slot0_opens_first,  // first visit needs new input
  input  wire        cfg_row_slot0_extra,  // pixels that the first visit opens beyond one position
  input  wire        cfg_row_slot0_opens,  // later visits need new input
  input  wire        cfg_row_slot0_closes,  // holds the kernel's last tap
  input  wire [1:0]  cfg_row_slot1_taps,  // taps at the first visit
  input  wire [4:0]  cfg_row_slot1_address,  // line-buffer offset of its first tap, words
  input  wire [5:0]  cfg_row_slot1_weight,  // weight offset of its first tap, words
  input  wire        cfg_row_slot1_clip_in,  // visits until its first tap leaves
  input  wire        cfg_row_slot1_clipped,  // taps have left before the first visit
  input  wire        cfg_row_slot1_grows_left,  // taps that have yet to enter
  input  wire        cfg_row_slot1_opens_first,  // first visit needs new input
  input  wire        cfg_row_slot1_extra,  // pixels that the first visit opens beyond one position
  input  wire        cfg_row_slot1_opens,  // later visits need new input
  input  wire        cfg_row_slot1_closes,  // holds the kernel's last tap
  input  wire [2:0]  cfg_col_visits_less_1,  // visits of a walk, less one
  input  wire [4:0]  cfg_col_address_step,  // words from a visit of a slot to its next
  input  wire [4:0]  cfg_col_address_clip,  // the same where its first tap leaves
  input  wire [5:0]  cfg_col_weight_tap,  // weight words from tap to tap
  input  wire        cfg_col_clip_period_less_1,  // visits of a slot between taps that leave, less one
  input  wire [1:0]  cfg_col_slot0_taps,  // taps at the first visit
  input  wire [4:0]  cfg_col_slot0_address,  // line-buffer offset of its first tap, words
  input  wire [5:0]  cfg_col_slot0_weight,  // weight offset of its first tap, words
  input  wire        cfg_col_slot0_clip_in,  // visits until its first tap leaves
  input  wire        cfg_col_slot0_clipped,  // taps have left before the first visit
  input  wire        cfg_col_slot0_grows_left,  // taps that have yet to enter
  input  wire        cfg_col_slot0_opens_first,  // first visit needs new input
  input  wire        cfg_col_slot0_extra,  // pixels that the first visit opens beyond one position
  input  wire        cfg_col_slot0_opens,  // later visits need new input
  input  wire        cfg_col_slot0_closes,  // holds the kernel's last tap
  input  wire [1:0]  cfg_col_slot1_taps,  // taps at the first visit
  input  wire [4:0]  cfg_col_slot1_address,  // line-buffer offset of its first tap, words
  input  wire [5:0]  cfg_col_slot1_weight,  // weight offset of its first tap, words
  input  wire        cfg_col_slot1_clip_in,  // visits until its first tap leaves
  input  wire        cfg_col_slot1_clipped,  // taps have left before the first visit
  input  wire        cfg_col_slot1_grows_left,  // taps that have yet to enter
  input  wire        cfg_col_slot1_opens_first,  // first visit needs new input
  input  wire        cfg_col_slot1_extra,  // pixels that the first visit opens beyond one position
  input  wire        cfg_col_slot1_opens,  // later visits need new input
  input  wire        cfg_col_slot1_closes,  // holds the kernel's last tap
  input  wire [2:0]  cfg_line_pixels,  // pixels in the line buffer
  input  wire [1:0]  cfg_pixel_words_less_1,  // words of a pixel of grad_output, less one
  input  wire [4:0]  cfg_line_words_less_1,  // words in the line buffer, less one
  input  wire [1:0]  cfg_grad_pixels_less_1,  // pixels of a frame of grad_output, less one
  input  wire [6:0]  cfg_weight_words_less_1,  // beats of a set of weights, less one
  input  wire [1:0]  cfg_k_blocks_less_1,  // blocks of K of a run, less one
  input  wire        cfg_c_blocks_less_1,  // blocks of C of a run, less one
  input  wire [4:0]  cfg_grad_k_blocks,  // words to the next of the blocks of K
  input  wire [4:0]  cfg_grad_k_blocks_back,  // words back to the last of the blocks of K
  input  wire [6:0]  cfg_weight_k_blocks,  // weights to the next of the blocks of K
  input  wire [6:0]  cfg_weight_k_blocks_back,  // weights back to the last of the blocks of K
  input  wire [4:0]  cfg_grad_cols,  // words to the next of the tap columns
  input  wire [4:0]  cfg_grad_cols_back,  // words back to the last of the tap columns
  input  wire [6:0]  cfg_weight_cols,  // weights to the next of the tap columns
  input  wire [6:0]  cfg_weight_cols_back,  // weights back to the last of the tap columns
  input  wire [4:0]  cfg_grad_rows,  // words to the next of the tap rows
  input  wire [4:0]  cfg_grad_rows_back,  // words back to the last of the tap rows
  input  wire [6:0]  cfg_weight_rows,  // weights to the next of the tap rows
  input  wire [6:0]  cfg_weight_rows_back,  // weights back to the last of the tap rows
  input  wire [6:0]  cfg_weight_block,  // weights of one block of C
  input  wire [4:0]  cfg_fifo_results  // results that the output FIFO holds
);
  wire        weights_ready;
  wire        frame_begin;
  wire        walk_valid;
  wire        walk_ready;
  wire [16:0] walk_token;
  wire        token_valid;
  wire        token_ready;
  wire [16:0] token;
  wire        grad_write;
  wire [4:0]  grad_write_address;
  wire        arrived;
  wire        free_pixels;
  wire [5:0]  misplaced;  // a tlast, by stream and kind
  wire [4:0]  grad_address;
  wire [15:0] grad_word;
  wire        weight_write;
  wire [6:0]  weight_write_address;
  wire        frame_busy;
  wire [6:0]  weight_address;
  wire [31:0] weight_word;
  wire        taken;
  wire        acc_first;
  wire        acc_last;
  wire        frame_last;
  wire [41:0] acc;
  reg  [6:0]  first_line_q, first_line_d;  // travels beside the issue
  reg  [7:0]  last_line_q, last_line_d;  // travels beside the issue
  reg  [7:0]  frame_last_line_q, frame_last_line_d;  // travels beside the issue
  wire [41:0] out_data;
  reg  [47:0] out_wide;  // each value sign-extended to bytes
  reg         begun_q, begun_d;
  reg  [5:0]  frames_q, frames_d;  // frames in the engine
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
    first_line_d[0] = acc_first;
    first_line_d[6:1] = first_line_q[5:0];
    last_line_d[0] = acc_last;
    last_line_d[7:1] = last_line_q[6:0];
    frame_last_line_d[0] = frame_last;
    frame_last_line_d[7:1] = frame_last_line_q[6:0];
    out_wide[23:0] = {{3{out_data[20]}}, out_data[20:0]};
    out_wide[47:24] = {{3{out_data[41]}}, out_data[41:21]};
    begun_d = frame_begin;
    frames_d = frames_q + {5'd0, begun_q} - {5'd0, frame_done};
    is_busy_d = begun_q | (frames_q != 6'd0);
    seen_d = misplaced;
    cause_d = cause_q | seen_q;
    failed_d = |cause_q;
  end

  always @(posedge aclk) begin
    if (~aresetn) begin
      last_line_q <= 8'd0;
      begun_q <= 1'd0;
      frames_q <= 6'd0;
      is_busy_q <= 1'd0;
      seen_q <= 6'd0;
      cause_q <= 6'd0;
      failed_q <= 1'd0;
    end else begin
      last_line_q <= last_line_d;
      begun_q <= begun_d;
      frames_q <= frames_d;
      is_busy_q <= is_busy_d;
      seen_q <= seen_d;
      cause_q <= cause_d;
      failed_q <= failed_d;
    end
    first_line_q <= first_line_d;
    frame_last_line_q <= frame_last_line_d;
  end

  strided_walk u_walk (
    .aclk                       (aclk),
    .aresetn                    (aresetn),
    .token_valid                (walk_valid),
    .token_ready                (walk_ready),
    .token                      (walk_token),
    .cfg_line_words             (cfg_line_words),
    .cfg_frame_step             (cfg_frame_step),
    .cfg_free_row_end           (cfg_free_row_end),
    .cfg_free_frame_end         (cfg_free_frame_end),
    .cfg_row_visits_less_1      (cfg_row_visits_less_1),
    .cfg_row_address_step       (cfg_row_address_step),
    .cfg_row_address_clip       (cfg_row_address_clip),
    .cfg_row_weight_tap         (cfg_row_weight_tap),
    .cfg_row_clip_period_less_1 (cfg_row_clip_period_less_1),
    .cfg_row_slot0_taps         (cfg_row_slot0_taps),
    .cfg_row_slot0_address      (cfg_row_slot0_address),
    .cfg_row_slot0_weight       (cfg_row_slot0_weight),
    .cfg_row_slot0_clip_in      (cfg_row_slot0_clip_in),
    .cfg_row_slot0_clipped      (cfg_row_slot0_clipped),
    .cfg_row_slot0_grows_left   (cfg_row_slot0_grows_left),
    .cfg_row_slot0_opens_first  (cfg_row_slot0_opens_first),
    .cfg_row_slot0_extra        (cfg_row_slot0_extra),
    .cfg_row_slot0_opens        (cfg_row_slot0_opens),
    .cfg_row_slot0_closes       (cfg_row_slot0_closes),
    .cfg_row_slot1_taps         (cfg_row_slot1_taps),
    .cfg_row_slot1_address      (cfg_row_slot1_address),
    .cfg_row_slot1_weight       (cfg_row_slot1_weight),
    .cfg_row_slot1_clip_in      (cfg_row_slot1_clip_in),
    .cfg_row_slot1_clipped      (cfg_row_slot1_clipped),
    .cfg_row_slot1_grows_left   (cfg_row_slot1_grows_left),
    .cfg_row_slot1_opens_first  (cfg_row_slot1_opens_first),
    .cfg_row_slot1_extra        (cfg_row_slot1_extra),
    .cfg_row_slot1_opens        (cfg_row_slot1_opens),
    .cfg_row_slot1_closes       (cfg_row_slot1_closes),
    .cfg_col_visits_less_1      (cfg_col_visits_less_1),
    .cfg_col_address_step       (cfg_col_address_step),
    .cfg_col_address_clip       (cfg_col_address_clip),
    .cfg_col_weight_tap         (cfg_col_weight_tap),
    .cfg_col_clip_period_less_1 (cfg_col_clip_period_less_1),
    .cfg_col_slot0_taps         (cfg_col_slot0_taps),
    .cfg_col_slot0_address      (cfg_col_slot0_address),
    .cfg_col_slot0_weight       (cfg_col_slot0_weight),
    .cfg_col_slot0_clip_in      (cfg_col_slot0_clip_in),
    .cfg_col_slot0_clipped      (cfg_col_slot0_clipped),
    .cfg_col_slot0_grows_left   (cfg_col_slot0_grows_left),
    .cfg_col_slot0_opens_first  (cfg_col_slot0_opens_first),
    .cfg_col_slot0_extra        (cfg_col_slot0_extra),
    .cfg_col_slot0_opens        (cfg_col_slot0_opens),
    .cfg_col_slot0_closes       (cfg_col_slot0_closes),
    .cfg_col_slot1_taps         (cfg_col_slot1_taps),
    .cfg_col_slot1_address      (cfg_col_slot1_address),
    .cfg_col_slot1_weight       (cfg_col_slot1_weight),
    .cfg_col_slot1_clip_in      (cfg_col_slot1_clip_in),
    .cfg_col_slot1_clipped      (cfg_col_slot1_clipped),
    .cfg_col_slot1_grows_left   (cfg_col_slot1_grows_left),
    .cfg_col_slot1_opens_first  (cfg_col_slot1_opens_first),
    .cfg_col_slot1_extra        (cfg_col_slot1_extra),
    .cfg_col_slot1_opens        (cfg_col_slot1_opens),
    .cfg_col_slot1_closes       (cfg_col_slot1_closes)
  );

  strided_tokens u_tokens (
    .aclk          (aclk),
    .aresetn       (aresetn),
    .in_valid      (walk_valid),
    .in_ready      (walk_ready),
    .in_token      (walk_token),
    .weights_ready (weights_ready),
    .frame_begin   (frame_begin),
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
    .write                  (grad_write),
    .write_address          (grad_write_address),
    .arrived                (arrived),
    .free_pixels            (free_pixels),
    .frame_begin            (frame_begin),
    .tlast_early            (misplaced[0]),
    .tlast_missing          (misplaced[1]),
    .tlast_late             (misplaced[2]),
    .cfg_line_pixels        (cfg_line_pixels),
    .cfg_pixel_words_less_1 (cfg_pixel_words_less_1),
    .cfg_line_words_less_1  (cfg_line_words_less_1),
    .cfg_grad_pixels_less_1 (cfg_grad_pixels_less_1)
  );

  strided_line_buffer u_line_buffer (
    .aclk          (aclk),
    .write         (grad_write),
    .write_address (grad_write_address),
    .write_data    (s_axis_grad_output_tdata),
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
    .write         (weight_write),
    .write_address (weight_write_address),
    .write_data    (s_axis_weight_tdata),
    .read_address  (weight_address),
    .read_data     (weight_word)
  );

  strided_issue u_issue (
    .aclk                     (aclk),
    .aresetn                  (aresetn),
    .token_valid              (token_valid),
    .token_ready              (token_ready),
    .token                    (token),
    .frame_busy               (frame_busy),
    .arrived                  (arrived),
    .free_pixels              (free_pixels),
    .taken                    (taken),
    .grad_address             (grad_address),
    .weight_address           (weight_address),
    .acc_first                (acc_first),
    .acc_last                 (acc_last),
    .frame_last               (frame_last),
    .cfg_k_blocks_less_1      (cfg_k_blocks_less_1),
    .cfg_c_blocks_less_1      (cfg_c_blocks_less_1),
    .cfg_grad_k_blocks        (cfg_grad_k_blocks),
    .cfg_grad_k_blocks_back   (cfg_grad_k_blocks_back),
    .cfg_weight_k_blocks      (cfg_weight_k_blocks),
    .cfg_weight_k_blocks_back (cfg_weight_k_blocks_back),
    .cfg_grad_cols            (cfg_grad_cols),
    .cfg_grad_cols_back       (cfg_grad_cols_back),
    .cfg_weight_cols          (cfg_weight_cols),
    .cfg_weight_cols_back     (cfg_weight_cols_back),
    .cfg_grad_rows            (cfg_grad_rows),
    .cfg_grad_rows_back       (cfg_grad_rows_back),
    .cfg_weight_rows          (cfg_weight_rows),
    .cfg_weight_rows_back     (cfg_weight_rows_back),
    .cfg_weight_block         (cfg_weight_block),
    .cfg_fifo_results         (cfg_fifo_results),
    .cfg_line_words           (cfg_line_words)
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
// Row walk -> row context -> (with the column walk) token. A pixel takes one cycle, so does an
// empty position that is visited; everything else without a tap is jumped over and only counted.
//
// Promise: `token_valid` with `token` stays until `token_ready`; a token moves in every cycle in
// which both are high; one token a cycle, also across rows and frames.
module strided_walk (
  input  wire        aclk,
  input  wire        aresetn,  // synchronous, active low
  output wire        token_valid,
  input  wire        token_ready,
  output wire [16:0] token,
  input  wire [5:0]  cfg_line_words,  // words in the line buffer
  input  wire [4:0]  cfg_frame_step,  // words stored of a frame, modulo the line buffer
  input  wire        cfg_free_row_end,  // pixels freed at the end of a row that closes one
  input  wire        cfg_free_frame_end,  // pixels freed at the end of a frame
  input  wire [2:0]  cfg_row_visits_less_1,  // visits of a walk, less one
  input  wire [4:0]  cfg_row_address_step,  // words from a visit of a slot to its next
  input  wire [4:0]  cfg_row_address_clip,  // the same where its first tap leaves
  input  wire [5:0]  cfg_row_weight_tap,  // weight words from tap to tap
  input  wire        cfg_row_clip_period_less_1,  // visits of a slot between taps that leave, less one
  input  wire [1:0]  cfg_row_slot0_taps,  // taps at the first visit
  input  wire [4:0]  cfg_row_slot0_address,  // line-buffer offset of its first tap, words
  input  wire [5:0]  cfg_row_slot0_weight,  // weight offset of its first tap, words
  input  wire        cfg_row_slot0_clip_in,  // visits until its first tap leaves
  input  wire        cfg_row_slot0_clipped,  // taps have left before the first visit
  input  wire        cfg_row_slot0_grows_left,  // taps that have yet to enter
  input  wire        cfg_row_slot0_opens_first,  // first visit needs new input
  input  wire        cfg_row_slot0_extra,  // pixels that the first visit opens beyond one position
  input  wire        cfg_row_slot0_opens,  // later visits need new input
  input  wire        cfg_row_slot0_closes,  // holds the kernel's last tap
  input  wire [1:0]  cfg_row_slot1_taps,  // taps at the first visit
  input  wire [4:0]  cfg_row_slot1_address,  // line-buffer offset of its first tap, words
  input  wire [5:0]  cfg_row_slot1_weight,  // weight offset of its first tap, words
  input  wire        cfg_row_slot1_clip_in,  // visits until its first tap leaves
  input  wire        cfg_row_slot1_clipped,  // taps have left before the first visit
  input  wire        cfg_row_slot1_grows_left,  // taps that have yet to enter
  input  wire        cfg_row_slot1_opens_first,  // first visit needs new input
  input  wire        cfg_row_slot1_extra,  // pixels that the first visit opens beyond one position
  input  wire        cfg_row_slot1_opens,  // later visits need new input
  input  wire        cfg_row_slot1_closes,  // holds the kernel's last tap
  input  wire [2:0]  cfg_col_visits_less_1,  // visits of a walk, less one
  input  wire [4:0]  cfg_col_address_step,  // words from a visit of a slot to its next
  input  wire [4:0]  cfg_col_address_clip,  // the same where its first tap leaves
  input  wire [5:0]  cfg_col_weight_tap,  // weight words from tap to tap
  input  wire        cfg_col_clip_period_less_1,  // visits of a slot between taps that leave, less one
  input  wire [1:0]  cfg_col_slot0_taps,  // taps at the first visit
  input  wire [4:0]  cfg_col_slot0_address,  // line-buffer offset of its first tap, words
  input  wire [5:0]  cfg_col_slot0_weight,  // weight offset of its first tap, words
  input  wire        cfg_col_slot0_clip_in,  // visits until its first tap leaves
  input  wire        cfg_col_slot0_clipped,  // taps have left before the first visit
  input  wire        cfg_col_slot0_grows_left,  // taps that have yet to enter
  input  wire        cfg_col_slot0_opens_first,  // first visit needs new input
  input  wire        cfg_col_slot0_extra,  // pixels that the first visit opens beyond one position
  input  wire        cfg_col_slot0_opens,  // later visits need new input
  input  wire        cfg_col_slot0_closes,  // holds the kernel's last tap
  input  wire [1:0]  cfg_col_slot1_taps,  // taps at the first visit
  input  wire [4:0]  cfg_col_slot1_address,  // line-buffer offset of its first tap, words
  input  wire [5:0]  cfg_col_slot1_weight,  // weight offset of its first tap, words
  input  wire        cfg_col_slot1_clip_in,  // visits until its first tap leaves
  input  wire        cfg_col_slot1_clipped,  // taps have left before the first visit
  input  wire        cfg_col_slot1_grows_left,  // taps that have yet to enter
  input  wire        cfg_col_slot1_opens_first,  // first visit needs new input
  input  wire        cfg_col_slot1_extra,  // pixels that the first visit opens beyond one position
  input  wire        cfg_col_slot1_opens,  // later visits need new input
  input  wire        cfg_col_slot1_closes  // holds the kernel's last tap
);
  reg         row_advance;
  wire [1:0]  row_taps;
  wire [4:0]  row_address;
  wire [5:0]  row_weight;
  wire        row_opens;
  wire        row_extra;
  wire        row_closes;
  wire        row_last;
  reg         col_advance;
  wire [1:0]  col_taps;
  wire [4:0]  col_address;
  wire [5:0]  col_weight;
  wire        col_opens;
  wire        col_extra;
  wire        col_closes;
  wire        col_last;
  reg  [4:0]  base_q, base_d;  // ring address of the frame's first stored word
  reg         ctx_valid_q, ctx_valid_d;
  reg  [4:0]  ctx_address_q, ctx_address_d;
  reg  [5:0]  ctx_weight_q, ctx_weight_d;
  reg         ctx_taps_q, ctx_taps_d;  // tap rows, less one
  reg         ctx_opens_q, ctx_opens_d;
  reg         ctx_closes_q, ctx_closes_d;
  reg         ctx_extra_q, ctx_extra_d;
  reg         ctx_first_q, ctx_first_d;  // first row of the frame
  reg         ctx_last_q, ctx_last_d;  // last row of the frame
  reg         frame_start_q, frame_start_d;  // the next row is a frame's first
  reg         row_start_q, row_start_d;  // the next pixel is a row's first
  reg         raw_valid_q, raw_valid_d;
  reg  [5:0]  raw_address_q, raw_address_d;  // below twice the ring
  reg  [5:0]  raw_weight_q, raw_weight_d;
  reg         raw_rows_q, raw_rows_d;
  reg         raw_cols_q, raw_cols_d;
  reg         raw_need_q, raw_need_d;
  reg         raw_free_q, raw_free_d;
  reg         raw_first_q, raw_first_d;
  reg         raw_last_q, raw_last_d;
  reg         row_empty;
  reg         row_load;
  reg         row_done;
  reg         col_empty;
  reg         emit;
  reg         room;
  reg         frame_end;
  reg  [5:0]  row_base_sum;
  reg  [4:0]  row_base;
  reg  [6:0]  row_base_wrapped;  // negative: no wrap is due
  wire        unused_row_base_wrapped;
  reg  [5:0]  next_base_sum;
  reg  [4:0]  next_base;
  reg  [6:0]  next_base_wrapped;  // negative: no wrap is due
  wire        unused_next_base_wrapped;
  reg         need;
  reg         free;
  reg  [4:0]  start_address;
  reg  [6:0]  start_address_wrapped;  // negative: no wrap is due
  wire        unused_start_address_wrapped;
  reg  [16:0] raw_token;

  assign unused_row_base_wrapped = row_base_wrapped[5];
  assign unused_next_base_wrapped = next_base_wrapped[5];
  assign unused_start_address_wrapped = start_address_wrapped[5];
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
    raw_valid_d = raw_valid_q;
    raw_address_d = raw_address_q;
    raw_weight_d = raw_weight_q;
    raw_rows_d = raw_rows_q;
    raw_cols_d = raw_cols_q;
    raw_need_d = raw_need_q;
    raw_free_d = raw_free_q;
    raw_first_d = raw_first_q;
    raw_last_d = raw_last_q;
    // What moves in this cycle.
    room = token_ready | ~raw_valid_q;
    row_empty = row_taps == 2'd0;
    col_empty = col_taps == 2'd0;
    emit = ctx_valid_q & room & ~col_empty;
    col_advance = ctx_valid_q & (room | col_empty);
    row_done = emit & col_last;
    row_load = (row_done | ~ctx_valid_q) & ~row_empty;
    row_advance = row_load | row_empty;
    frame_end = ctx_last_q & col_last;
    row_base_sum = {1'd0, base_q} + {1'd0, row_address};
    row_base_wrapped = {1'd0, row_base_sum} - {1'd0, cfg_line_words};
    row_base = row_base_wrapped[4:0];
    if (row_base_wrapped[6]) begin
      row_base = row_base_sum[4:0];
    end
    next_base_sum = {1'd0, base_q} + {1'd0, cfg_frame_step};
    next_base_wrapped = {1'd0, next_base_sum} - {1'd0, cfg_line_words};
    next_base = next_base_wrapped[4:0];
    if (next_base_wrapped[6]) begin
      next_base = next_base_sum[4:0];
    end
    // The next row that has taps.
    if (row_done) begin
      ctx_valid_d = 1'd0;
    end
    if (row_load) begin
      ctx_valid_d = 1'd1;
      ctx_address_d = row_base;
      ctx_weight_d = row_weight;
      ctx_taps_d = row_taps[0] - 1'd1;
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
    // Pixels of grad_output that this one is the first to need, and the last.
    need = 1'd0;
    if (ctx_opens_q) begin
      need = col_extra + col_opens;
    end
    if (row_start_q) begin
      need = need + ctx_extra_q;
    end
    free = 1'd0;
    if (ctx_closes_q) begin
      free = col_closes;
      if (col_last) begin
        free = free + cfg_free_row_end;
      end
    end
    if (frame_end) begin
      free = free + cfg_free_frame_end;
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
      raw_cols_d = col_taps[0] - 1'd1;
      raw_need_d = need;
      raw_free_d = free;
      raw_first_d = ctx_first_q & row_start_q;
      raw_last_d = frame_end;
    end
    start_address_wrapped = {1'd0, raw_address_q} - {1'd0, cfg_line_words};
    start_address = start_address_wrapped[4:0];
    if (start_address_wrapped[6]) begin
      start_address = raw_address_q[4:0];
    end
    raw_token[4:0] = start_address;
    raw_token[10:5] = raw_weight_q;
    raw_token[11] = raw_rows_q;
    raw_token[12] = raw_cols_q;
    raw_token[13] = raw_need_q;
    raw_token[14] = raw_free_q;
    raw_token[15] = raw_first_q;
    raw_token[16] = raw_last_q;
  end

  always @(posedge aclk) begin
    if (~aresetn) begin
      base_q <= 5'd0;
      ctx_valid_q <= 1'd0;
      frame_start_q <= 1'd1;
      row_start_q <= 1'd1;
      raw_valid_q <= 1'd0;
    end else begin
      base_q <= base_d;
      ctx_valid_q <= ctx_valid_d;
      frame_start_q <= frame_start_d;
      row_start_q <= row_start_d;
      raw_valid_q <= raw_valid_d;
    end
    ctx_address_q <= ctx_address_d;
    ctx_weight_q <= ctx_weight_d;
    ctx_taps_q <= ctx_taps_d;
    ctx_opens_q <= ctx_opens_d;
    ctx_closes_q <= ctx_closes_d;
    ctx_extra_q <= ctx_extra_d;
    ctx_first_q <= ctx_first_d;
    ctx_last_q <= ctx_last_d;
    raw_address_q <= raw_address_d;
    raw_weight_q <= raw_weight_d;
    raw_rows_q <= raw_rows_d;
    raw_cols_q <= raw_cols_d;
    raw_need_q <= raw_need_d;
    raw_free_q <= raw_free_d;
    raw_first_q <= raw_first_d;
    raw_last_q <= raw_last_d;
  end

  strided_walk_rows u_rows (
    .aclk                       (aclk),
    .aresetn                    (aresetn),
    .advance                    (row_advance),
    .taps                       (row_taps),
    .address                    (row_address),
    .weight                     (row_weight),
    .opens                      (row_opens),
    .extra                      (row_extra),
    .closes                     (row_closes),
    .last                       (row_last),
    .cfg_row_visits_less_1      (cfg_row_visits_less_1),
    .cfg_row_address_step       (cfg_row_address_step),
    .cfg_row_address_clip       (cfg_row_address_clip),
    .cfg_row_weight_tap         (cfg_row_weight_tap),
    .cfg_row_clip_period_less_1 (cfg_row_clip_period_less_1),
    .cfg_line_words             (cfg_line_words),
    .cfg_row_slot0_taps         (cfg_row_slot0_taps),
    .cfg_row_slot0_address      (cfg_row_slot0_address),
    .cfg_row_slot0_weight       (cfg_row_slot0_weight),
    .cfg_row_slot0_clip_in      (cfg_row_slot0_clip_in),
    .cfg_row_slot0_clipped      (cfg_row_slot0_clipped),
    .cfg_row_slot0_grows_left   (cfg_row_slot0_grows_left),
    .cfg_row_slot0_opens_first  (cfg_row_slot0_opens_first),
    .cfg_row_slot0_extra        (cfg_row_slot0_extra),
    .cfg_row_slot0_opens        (cfg_row_slot0_opens),
    .cfg_row_slot0_closes       (cfg_row_slot0_closes),
    .cfg_row_slot1_taps         (cfg_row_slot1_taps),
    .cfg_row_slot1_address      (cfg_row_slot1_address),
    .cfg_row_slot1_weight       (cfg_row_slot1_weight),
    .cfg_row_slot1_clip_in      (cfg_row_slot1_clip_in),
    .cfg_row_slot1_clipped      (cfg_row_slot1_clipped),
    .cfg_row_slot1_grows_left   (cfg_row_slot1_grows_left),
    .cfg_row_slot1_opens_first  (cfg_row_slot1_opens_first),
    .cfg_row_slot1_extra        (cfg_row_slot1_extra),
    .cfg_row_slot1_opens        (cfg_row_slot1_opens),
    .cfg_row_slot1_closes       (cfg_row_slot1_closes)
  );

  strided_walk_cols u_cols (
    .aclk                       (aclk),
    .aresetn                    (aresetn),
    .advance                    (col_advance),
    .taps                       (col_taps),
    .address                    (col_address),
    .weight                     (col_weight),
    .opens                      (col_opens),
    .extra                      (col_extra),
    .closes                     (col_closes),
    .last                       (col_last),
    .cfg_col_visits_less_1      (cfg_col_visits_less_1),
    .cfg_col_address_step       (cfg_col_address_step),
    .cfg_col_address_clip       (cfg_col_address_clip),
    .cfg_col_weight_tap         (cfg_col_weight_tap),
    .cfg_col_clip_period_less_1 (cfg_col_clip_period_less_1),
    .cfg_line_words             (cfg_line_words),
    .cfg_col_slot0_taps         (cfg_col_slot0_taps),
    .cfg_col_slot0_address      (cfg_col_slot0_address),
    .cfg_col_slot0_weight       (cfg_col_slot0_weight),
    .cfg_col_slot0_clip_in      (cfg_col_slot0_clip_in),
    .cfg_col_slot0_clipped      (cfg_col_slot0_clipped),
    .cfg_col_slot0_grows_left   (cfg_col_slot0_grows_left),
    .cfg_col_slot0_opens_first  (cfg_col_slot0_opens_first),
    .cfg_col_slot0_extra        (cfg_col_slot0_extra),
    .cfg_col_slot0_opens        (cfg_col_slot0_opens),
    .cfg_col_slot0_closes       (cfg_col_slot0_closes),
    .cfg_col_slot1_taps         (cfg_col_slot1_taps),
    .cfg_col_slot1_address      (cfg_col_slot1_address),
    .cfg_col_slot1_weight       (cfg_col_slot1_weight),
    .cfg_col_slot1_clip_in      (cfg_col_slot1_clip_in),
    .cfg_col_slot1_clipped      (cfg_col_slot1_clipped),
    .cfg_col_slot1_grows_left   (cfg_col_slot1_grows_left),
    .cfg_col_slot1_opens_first  (cfg_col_slot1_opens_first),
    .cfg_col_slot1_extra        (cfg_col_slot1_extra),
    .cfg_col_slot1_opens        (cfg_col_slot1_opens),
    .cfg_col_slot1_closes       (cfg_col_slot1_closes)
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
module strided_walk_rows (
  input  wire       aclk,
  input  wire       aresetn,  // synchronous, active low
  input  wire       advance,  // go to the next visit
  output wire [1:0] taps,  // taps at this position
  output wire [4:0] address,  // line-buffer offset of the first tap
  output wire [5:0] weight,  // weight offset of the first tap
  output wire       opens,  // needs grad_output that no visit before needed
  output wire       extra,  // pixels it opens beyond one position
  output wire       closes,  // one position of grad_output is dead after it
  output wire       last,  // last visit of the walk
  input  wire [2:0] cfg_row_visits_less_1,  // visits of a walk, less one
  input  wire [4:0] cfg_row_address_step,  // words from a visit of a slot to its next
  input  wire [4:0] cfg_row_address_clip,  // the same where its first tap leaves
  input  wire [5:0] cfg_row_weight_tap,  // weight words from tap to tap
  input  wire       cfg_row_clip_period_less_1,  // visits of a slot between taps that leave, less one
  input  wire [5:0] cfg_line_words,  // words in the line buffer
  input  wire [1:0] cfg_row_slot0_taps,  // taps at the first visit
  input  wire [4:0] cfg_row_slot0_address,  // line-buffer offset of its first tap, words
  input  wire [5:0] cfg_row_slot0_weight,  // weight offset of its first tap, words
  input  wire       cfg_row_slot0_clip_in,  // visits until its first tap leaves
  input  wire       cfg_row_slot0_clipped,  // taps have left before the first visit
  input  wire       cfg_row_slot0_grows_left,  // taps that have yet to enter
  input  wire       cfg_row_slot0_opens_first,  // first visit needs new input
  input  wire       cfg_row_slot0_extra,  // pixels that the first visit opens beyond one position
  input  wire       cfg_row_slot0_opens,  // later visits need new input
  input  wire       cfg_row_slot0_closes,  // holds the kernel's last tap
  input  wire [1:0] cfg_row_slot1_taps,  // taps at the first visit
  input  wire [4:0] cfg_row_slot1_address,  // line-buffer offset of its first tap, words
  input  wire [5:0] cfg_row_slot1_weight,  // weight offset of its first tap, words
  input  wire       cfg_row_slot1_clip_in,  // visits until its first tap leaves
  input  wire       cfg_row_slot1_clipped,  // taps have left before the first visit
  input  wire       cfg_row_slot1_grows_left,  // taps that have yet to enter
  input  wire       cfg_row_slot1_opens_first,  // first visit needs new input
  input  wire       cfg_row_slot1_extra,  // pixels that the first visit opens beyond one position
  input  wire       cfg_row_slot1_opens,  // later visits need new input
  input  wire       cfg_row_slot1_closes  // holds the kernel's last tap
);
  reg  [1:0]  taps_q, taps_d;
  reg  [4:0]  address_q, address_d;
  reg  [5:0]  weight_q, weight_d;
  reg         clip_in_q, clip_in_d;
  reg         clipped_q, clipped_d;
  reg         grows_left_q, grows_left_d;
  reg         fresh_q, fresh_d;  // first round of the slots
  reg         slot_q, slot_d;  // slot of this visit
  reg  [2:0]  visits_left_q, visits_left_d;  // visits after this one
  reg         at_last;
  reg  [1:0]  again_taps;
  reg  [4:0]  again_address;
  reg  [5:0]  again_weight;
  reg         again_clip_in;
  reg         again_clipped;
  reg         again_grows_left;
  reg         clip;  // the first tap leaves at the far border
  reg         grow;  // a tap enters at the near border
  reg  [4:0]  step;
  reg  [5:0]  moved_sum;
  reg  [4:0]  moved;
  reg  [6:0]  moved_wrapped;  // negative: no wrap is due
  wire        unused_moved_wrapped;
  reg  [15:0] waiting1_q, waiting1_d;  // state of a slot whose turn is later
  reg         opening;
  reg         opened;
  reg         closing;

  assign unused_moved_wrapped = moved_wrapped[5];
  assign taps = taps_q;
  assign address = address_q;
  assign weight = weight_q;
  assign last = at_last;
  assign opens = opening;
  assign extra = opened;
  assign closes = closing;

  always @* begin
    // What this visit opens and closes.
    at_last = visits_left_q == 3'd0;
    case (slot_q)
      1'd0: begin
        opening = cfg_row_slot0_opens & ~clipped_q;
        opened = 1'd0;
        closing = cfg_row_slot0_closes & ~grows_left_q & (taps_q != 2'd0);
        if (fresh_q) begin
          opening = cfg_row_slot0_opens_first;
          opened = cfg_row_slot0_extra;
        end
      end
      default: begin
        opening = cfg_row_slot1_opens & ~clipped_q;
        opened = 1'd0;
        closing = cfg_row_slot1_closes & ~grows_left_q & (taps_q != 2'd0);
        if (fresh_q) begin
          opening = cfg_row_slot1_opens_first;
          opened = cfg_row_slot1_extra;
        end
      end
    endcase
  end

  always @* begin
    taps_d = taps_q;
    address_d = address_q;
    weight_d = weight_q;
    clip_in_d = clip_in_q;
    clipped_d = clipped_q;
    grows_left_d = grows_left_q;
    fresh_d = fresh_q;
    slot_d = slot_q;
    visits_left_d = visits_left_q;
    waiting1_d = waiting1_q;
    // This slot's state at its next visit.
    clip = ~clip_in_q & (taps_q != 2'd0);
    grow = grows_left_q;
    again_taps = taps_q;
    if (grow & ~clip) begin
      again_taps = taps_q + 2'd1;
    end else if (clip & ~grow) begin
      again_taps = taps_q - 2'd1;
    end
    again_grows_left = grows_left_q;
    if (grow) begin
      again_grows_left = grows_left_q - 1'd1;
    end
    again_clip_in = clip_in_q - 1'd1;
    again_clipped = clipped_q;
    again_weight = weight_q;
    step = cfg_row_address_step;
    if (clip) begin
      again_clip_in = cfg_row_clip_period_less_1;
      again_clipped = 1'd1;
      again_weight = weight_q + cfg_row_weight_tap;
      step = cfg_row_address_clip;
    end
    moved_sum = {1'd0, address_q} + {1'd0, step};
    moved_wrapped = {1'd0, moved_sum} - {1'd0, cfg_line_words};
    moved = moved_wrapped[4:0];
    if (moved_wrapped[6]) begin
      moved = moved_sum[4:0];
    end
    again_address = moved;
    if (advance) begin
      visits_left_d = visits_left_q - 3'd1;
      waiting1_d[1:0] = again_taps;
      waiting1_d[6:2] = again_address;
      waiting1_d[12:7] = again_weight;
      waiting1_d[13] = again_clip_in;
      waiting1_d[14] = again_clipped;
      waiting1_d[15] = again_grows_left;
      taps_d = waiting1_q[1:0];
      address_d = waiting1_q[6:2];
      weight_d = waiting1_q[12:7];
      clip_in_d = waiting1_q[13];
      clipped_d = waiting1_q[14];
      grows_left_d = waiting1_q[15];
      slot_d = slot_q + 1'd1;
      if (slot_q == 1'd1) begin
        slot_d = 1'd0;
        fresh_d = 1'd0;
      end else if (fresh_q) begin
        taps_d = cfg_row_slot1_taps;
        address_d = cfg_row_slot1_address;
        weight_d = cfg_row_slot1_weight;
        clip_in_d = cfg_row_slot1_clip_in;
        clipped_d = cfg_row_slot1_clipped;
        grows_left_d = cfg_row_slot1_grows_left;
      end
      if (at_last) begin
        visits_left_d = cfg_row_visits_less_1;
        fresh_d = 1'd1;
        slot_d = 1'd0;
        taps_d = cfg_row_slot0_taps;
        address_d = cfg_row_slot0_address;
        weight_d = cfg_row_slot0_weight;
        clip_in_d = cfg_row_slot0_clip_in;
        clipped_d = cfg_row_slot0_clipped;
        grows_left_d = cfg_row_slot0_grows_left;
      end
    end
  end

  always @(posedge aclk) begin
    if (~aresetn) begin
      taps_q <= cfg_row_slot0_taps;
      address_q <= cfg_row_slot0_address;
      weight_q <= cfg_row_slot0_weight;
      clip_in_q <= cfg_row_slot0_clip_in;
      clipped_q <= cfg_row_slot0_clipped;
      grows_left_q <= cfg_row_slot0_grows_left;
      fresh_q <= 1'd1;
      slot_q <= 1'd0;
      visits_left_q <= cfg_row_visits_less_1;
    end else begin
      taps_q <= taps_d;
      address_q <= address_d;
      weight_q <= weight_d;
      clip_in_q <= clip_in_d;
      clipped_q <= clipped_d;
      grows_left_q <= grows_left_d;
      fresh_q <= fresh_d;
      slot_q <= slot_d;
      visits_left_q <= visits_left_d;
    end
    waiting1_q <= waiting1_d;
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
module strided_walk_cols (
  input  wire       aclk,
  input  wire       aresetn,  // synchronous, active low
  input  wire       advance,  // go to the next visit
  output wire [1:0] taps,  // taps at this position
  output wire [4:0] address,  // line-buffer offset of the first tap
  output wire [5:0] weight,  // weight offset of the first tap
  output wire       opens,  // needs grad_output that no visit before needed
  output wire       extra,  // pixels it opens beyond one position
  output wire       closes,  // one position of grad_output is dead after it
  output wire       last,  // last visit of the walk
  input  wire [2:0] cfg_col_visits_less_1,  // visits of a walk, less one
  input  wire [4:0] cfg_col_address_step,  // words from a visit of a slot to its next
  input  wire [4:0] cfg_col_address_clip,  // the same where its first tap leaves
  input  wire [5:0] cfg_col_weight_tap,  // weight words from tap to tap
  input  wire       cfg_col_clip_period_less_1,  // visits of a slot between taps that leave, less one
  input  wire [5:0] cfg_line_words,  // words in the line buffer
  input  wire [1:0] cfg_col_slot0_taps,  // taps at the first visit
  input  wire [4:0] cfg_col_slot0_address,  // line-buffer offset of its first tap, words
  input  wire [5:0] cfg_col_slot0_weight,  // weight offset of its first tap, words
  input  wire       cfg_col_slot0_clip_in,  // visits until its first tap leaves
  input  wire       cfg_col_slot0_clipped,  // taps have left before the first visit
  input  wire       cfg_col_slot0_grows_left,  // taps that have yet to enter
  input  wire       cfg_col_slot0_opens_first,  // first visit needs new input
  input  wire       cfg_col_slot0_extra,  // pixels that the first visit opens beyond one position
  input  wire       cfg_col_slot0_opens,  // later visits need new input
  input  wire       cfg_col_slot0_closes,  // holds the kernel's last tap
  input  wire [1:0] cfg_col_slot1_taps,  // taps at the first visit
  input  wire [4:0] cfg_col_slot1_address,  // line-buffer offset of its first tap, words
  input  wire [5:0] cfg_col_slot1_weight,  // weight offset of its first tap, words
  input  wire       cfg_col_slot1_clip_in,  // visits until its first tap leaves
  input  wire       cfg_col_slot1_clipped,  // taps have left before the first visit
  input  wire       cfg_col_slot1_grows_left,  // taps that have yet to enter
  input  wire       cfg_col_slot1_opens_first,  // first visit needs new input
  input  wire       cfg_col_slot1_extra,  // pixels that the first visit opens beyond one position
  input  wire       cfg_col_slot1_opens,  // later visits need new input
  input  wire       cfg_col_slot1_closes  // holds the kernel's last tap
);
  reg  [1:0]  taps_q, taps_d;
  reg  [4:0]  address_q, address_d;
  reg  [5:0]  weight_q, weight_d;
  reg         clip_in_q, clip_in_d;
  reg         clipped_q, clipped_d;
  reg         grows_left_q, grows_left_d;
  reg         fresh_q, fresh_d;  // first round of the slots
  reg         slot_q, slot_d;  // slot of this visit
  reg  [2:0]  visits_left_q, visits_left_d;  // visits after this one
  reg         at_last;
  reg  [1:0]  again_taps;
  reg  [4:0]  again_address;
  reg  [5:0]  again_weight;
  reg         again_clip_in;
  reg         again_clipped;
  reg         again_grows_left;
  reg         clip;  // the first tap leaves at the far border
  reg         grow;  // a tap enters at the near border
  reg  [4:0]  step;
  reg  [5:0]  moved_sum;
  reg  [4:0]  moved;
  reg  [6:0]  moved_wrapped;  // negative: no wrap is due
  wire        unused_moved_wrapped;
  reg  [15:0] waiting1_q, waiting1_d;  // state of a slot whose turn is later
  reg         opening;
  reg         opened;
  reg         closing;

  assign unused_moved_wrapped = moved_wrapped[5];
  assign taps = taps_q;
  assign address = address_q;
  assign weight = weight_q;
  assign last = at_last;
  assign opens = opening;
  assign extra = opened;
  assign closes = closing;

  always @* begin
    // What this visit opens and closes.
    at_last = visits_left_q == 3'd0;
    case (slot_q)
      1'd0: begin
        opening = cfg_col_slot0_opens & ~clipped_q;
        opened = 1'd0;
        closing = cfg_col_slot0_closes & ~grows_left_q & (taps_q != 2'd0);
        if (fresh_q) begin
          opening = cfg_col_slot0_opens_first;
          opened = cfg_col_slot0_extra;
        end
      end
      default: begin
        opening = cfg_col_slot1_opens & ~clipped_q;
        opened = 1'd0;
        closing = cfg_col_slot1_closes & ~grows_left_q & (taps_q != 2'd0);
        if (fresh_q) begin
          opening = cfg_col_slot1_opens_first;
          opened = cfg_col_slot1_extra;
        end
      end
    endcase
  end

  always @* begin
    taps_d = taps_q;
    address_d = address_q;
    weight_d = weight_q;
    clip_in_d = clip_in_q;
    clipped_d = clipped_q;
    grows_left_d = grows_left_q;
    fresh_d = fresh_q;
    slot_d = slot_q;
    visits_left_d = visits_left_q;
    waiting1_d = waiting1_q;
    // This slot's state at its next visit.
    clip = ~clip_in_q & (taps_q != 2'd0);
    grow = grows_left_q;
    again_taps = taps_q;
    if (grow & ~clip) begin
      again_taps = taps_q + 2'd1;
    end else if (clip & ~grow) begin
      again_taps = taps_q - 2'd1;
    end
    again_grows_left = grows_left_q;
    if (grow) begin
      again_grows_left = grows_left_q - 1'd1;
    end
    again_clip_in = clip_in_q - 1'd1;
    again_clipped = clipped_q;
    again_weight = weight_q;
    step = cfg_col_address_step;
    if (clip) begin
      again_clip_in = cfg_col_clip_period_less_1;
      again_clipped = 1'd1;
      again_weight = weight_q + cfg_col_weight_tap;
      step = cfg_col_address_clip;
    end
    moved_sum = {1'd0, address_q} + {1'd0, step};
    moved_wrapped = {1'd0, moved_sum} - {1'd0, cfg_line_words};
    moved = moved_wrapped[4:0];
    if (moved_wrapped[6]) begin
      moved = moved_sum[4:0];
    end
    again_address = moved;
    if (advance) begin
      visits_left_d = visits_left_q - 3'd1;
      waiting1_d[1:0] = again_taps;
      waiting1_d[6:2] = again_address;
      waiting1_d[12:7] = again_weight;
      waiting1_d[13] = again_clip_in;
      waiting1_d[14] = again_clipped;
      waiting1_d[15] = again_grows_left;
      taps_d = waiting1_q[1:0];
      address_d = waiting1_q[6:2];
      weight_d = waiting1_q[12:7];
      clip_in_d = waiting1_q[13];
      clipped_d = waiting1_q[14];
      grows_left_d = waiting1_q[15];
      slot_d = slot_q + 1'd1;
      if (slot_q == 1'd1) begin
        slot_d = 1'd0;
        fresh_d = 1'd0;
      end else if (fresh_q) begin
        taps_d = cfg_col_slot1_taps;
        address_d = cfg_col_slot1_address;
        weight_d = cfg_col_slot1_weight;
        clip_in_d = cfg_col_slot1_clip_in;
        clipped_d = cfg_col_slot1_clipped;
        grows_left_d = cfg_col_slot1_grows_left;
      end
      if (at_last) begin
        visits_left_d = cfg_col_visits_less_1;
        fresh_d = 1'd1;
        slot_d = 1'd0;
        taps_d = cfg_col_slot0_taps;
        address_d = cfg_col_slot0_address;
        weight_d = cfg_col_slot0_weight;
        clip_in_d = cfg_col_slot0_clip_in;
        clipped_d = cfg_col_slot0_clipped;
        grows_left_d = cfg_col_slot0_grows_left;
      end
    end
  end

  always @(posedge aclk) begin
    if (~aresetn) begin
      taps_q <= cfg_col_slot0_taps;
      address_q <= cfg_col_slot0_address;
      weight_q <= cfg_col_slot0_weight;
      clip_in_q <= cfg_col_slot0_clip_in;
      clipped_q <= cfg_col_slot0_clipped;
      grows_left_q <= cfg_col_slot0_grows_left;
      fresh_q <= 1'd1;
      slot_q <= 1'd0;
      visits_left_q <= cfg_col_visits_less_1;
    end else begin
      taps_q <= taps_d;
      address_q <= address_d;
      weight_q <= weight_d;
      clip_in_q <= clip_in_d;
      clipped_q <= clipped_d;
      grows_left_q <= grows_left_d;
      fresh_q <= fresh_d;
      slot_q <= slot_d;
      visits_left_q <= visits_left_d;
    end
    waiting1_q <= waiting1_d;
  end
endmodule

// Two-entry queue of pixel tokens between the walk and the issue loop. A frame's first token is held
// back until that frame's first beat was taken and a whole set of weights is there: before, nothing
// of the frame has begun, and a new set of weights may still be meant for it.
//
// Promise: `in_ready` and `out_valid` are registers; a token moves on each side in every cycle in
// which both flags of that side are high; nothing is lost or reordered; one token a cycle passes.
module strided_tokens (
  input  wire        aclk,
  input  wire        aresetn,  // synchronous, active low
  input  wire        in_valid,
  output wire        in_ready,
  input  wire [16:0] in_token,
  input  wire        weights_ready,  // a whole set is in the weight memory
  input  wire        frame_begin,  // a frame's first beat is taken
  output wire        out_valid,
  input  wire        out_ready,
  output wire [16:0] out_token
);
  reg         head_valid_q, head_valid_d;
  reg         tail_valid_q, tail_valid_d;
  reg  [16:0] head_q, head_d;  // leaves next
  reg  [16:0] tail_q, tail_d;  // waits behind the head
  reg         may_go_q, may_go_d;  // the head may leave
  reg  [5:0]  begun_q, begun_d;  // frames whose first token has yet to leave
  reg         one_begun_q, one_begun_d;  // at least one
  reg         two_begun_q, two_begun_d;  // at least two
  reg         enters;  // a frame's first token leaves
  reg         may_begin;  // the token behind it may
  reg         accept;
  reg         to_head;  // the head is or becomes free

  assign in_ready = ~tail_valid_q;
  assign out_valid = may_go_q;
  assign out_token = head_q;

  always @* begin
    head_valid_d = head_valid_q;
    tail_valid_d = tail_valid_q;
    head_d = head_q;
    tail_d = tail_q;
    may_go_d = may_go_q;
    accept = in_valid & ~tail_valid_q;
    to_head = out_ready | ~head_valid_q;
    if (~tail_valid_q) begin
      tail_d = in_token;
    end
    if (to_head) begin
      head_valid_d = tail_valid_q | accept;
      head_d = in_token;
      if (tail_valid_q) begin
        head_d = tail_q;
      end
      tail_valid_d = 1'd0;
    end else if (accept) begin
      tail_valid_d = 1'd1;
    end
    enters = out_ready & head_q[15];
    begun_d = begun_q + {5'd0, frame_begin} - {5'd0, enters};
    one_begun_d = begun_d != 6'd0;
    two_begun_d = (begun_d != 6'd0) & (begun_d != 6'd1);
    may_begin = weights_ready & one_begun_q;
    if (enters) begin
      may_begin = weights_ready & two_begun_q;
    end
    if (to_head) begin
      may_go_d = in_valid & (may_begin | ~in_token[15]);
      if (tail_valid_q) begin
        may_go_d = may_begin | ~tail_q[15];
      end
    end else begin
      may_go_d = may_begin | ~head_q[15];
    end
  end

  always @(posedge aclk) begin
    if (~aresetn) begin
      head_valid_q <= 1'd0;
      tail_valid_q <= 1'd0;
      may_go_q <= 1'd0;
      begun_q <= 6'd0;
      one_begun_q <= 1'd0;
      two_begun_q <= 1'd0;
    end else begin
      head_valid_q <= head_valid_d;
      tail_valid_q <= tail_valid_d;
      may_go_q <= may_go_d;
      begun_q <= begun_d;
      one_begun_q <= one_begun_d;
      two_begun_q <= two_begun_d;
    end
    head_q <= head_d;
    tail_q <= tail_d;
  end
endmodule

// Accepts the grad_output stream and writes it to the line buffer, a ring addressed by word in order
// of arrival. Pixels that no output needs are accepted and dropped.
//
// Promise: `tready` is a register and low in reset; a beat is taken in every cycle while the ring
// has space for its pixel; nothing is written over a pixel that `free_pixels` has not counted.
// `arrived` follows the last word of a stored pixel by one cycle. A misplaced `tlast` pulses one of the three error outputs; frames are
// cut by count, so that it changes nothing else.
module strided_grad (
  input  wire       aclk,
  input  wire       aresetn,  // synchronous, active low
  input  wire       tvalid,
  output wire       tready,
  input  wire       tlast,
  output wire       write,  // to the line buffer
  output wire [4:0] write_address,
  output wire       arrived,  // a whole pixel is stored
  input  wire       free_pixels,  // pixels that may be written over
  output wire       frame_begin,  // first beat of a frame taken
  output wire       tlast_early,
  output wire       tlast_missing,
  output wire       tlast_late,
  input  wire [2:0] cfg_line_pixels,  // pixels in the line buffer
  input  wire [1:0] cfg_pixel_words_less_1,  // words of a pixel of grad_output, less one
  input  wire [4:0] cfg_line_words_less_1,  // words in the line buffer, less one
  input  wire [1:0] cfg_grad_pixels_less_1  // pixels of a frame of grad_output, less one
);
  reg  [2:0] space_q, space_d;  // pixels free, the one being filled included
  reg        ready_q, ready_d;
  reg        first_beat_q, first_beat_d;  // the next beat is a frame's first
  reg        stored_q, stored_d;
  reg        accept;
  reg        store;
  reg        word_end;  // last word of a pixel
  reg        pixel_end;
  reg        due;  // last beat of a frame
  reg  [1:0] word_q, word_d;  // word of the pixel
  reg        word_at_last_q, word_at_last_d;
  reg        mid_pixel_q, mid_pixel_d;  // the next beat is not a pixel's first
  reg  [4:0] address_q, address_d;  // where the next word goes
  reg        address_at_last_q, address_at_last_d;
  reg  [2:0] free_after;  // pixels free if this beat ends none
  reg        some_free;  // the next pixel has a place
  reg  [1:0] pixel_q, pixel_d;  // pixel of the frame
  reg        pixel_at_last_q, pixel_at_last_d;
  reg        overdue_q, overdue_d;  // tlast was missing and has not come since
  reg        is_missing;

  assign tlast_early = accept & tlast & ~due & ~overdue_q;
  assign tlast_missing = is_missing;
  assign tlast_late = accept & tlast & ~due & overdue_q;
  assign tready = ready_q;
  assign write = store;
  assign write_address = address_q;
  assign arrived = stored_q;
  assign frame_begin = accept & first_beat_q;

  always @* begin
    first_beat_d = first_beat_q;
    word_d = word_q;
    word_at_last_d = word_at_last_q;
    mid_pixel_d = mid_pixel_q;
    address_d = address_q;
    address_at_last_d = address_at_last_q;
    pixel_d = pixel_q;
    pixel_at_last_d = pixel_at_last_q;
    overdue_d = overdue_q;
    accept = tvalid & ready_q;
    // Where in its frame a beat is.
    word_end = word_at_last_q;
    if (accept) begin
      word_d = word_q + 2'd1;
      word_at_last_d = word_q == (cfg_pixel_words_less_1 - 2'd1);
      if (word_at_last_q) begin
        word_d = 2'd0;
        word_at_last_d = cfg_pixel_words_less_1 == 2'd0;
      end
    end
    pixel_end = accept & word_end;
    due = word_end & pixel_at_last_q;
    if (pixel_end) begin
      pixel_d = pixel_q + 2'd1;
      pixel_at_last_d = pixel_q == (cfg_grad_pixels_less_1 - 2'd1);
      if (pixel_at_last_q) begin
        pixel_d = 2'd0;
        pixel_at_last_d = cfg_grad_pixels_less_1 == 2'd0;
      end
    end
    if (accept) begin
      first_beat_d = due;
    end
    // What of it is stored, and whether there is space for the next beat.
    store = accept;
    stored_d = pixel_end;
    free_after = space_q + {2'd0, free_pixels};
    space_d = free_after;
    some_free = free_after != 3'd0;
    if (pixel_end) begin
      space_d = free_after - 3'd1;
      some_free = free_after != 3'd1;
    end
    if (accept) begin
      mid_pixel_d = ~word_end;
    end
    ready_d = some_free | mid_pixel_d;
    if (store) begin
      address_d = address_q + 5'd1;
      address_at_last_d = address_q == (cfg_line_words_less_1 - 5'd1);
      if (address_at_last_q) begin
        address_d = 5'd0;
        address_at_last_d = cfg_line_words_less_1 == 5'd0;
      end
    end
    // tlast against the count of beats.
    is_missing = accept & ~tlast & due;
    if (accept & tlast) begin
      overdue_d = 1'd0;
    end
    if (is_missing) begin
      overdue_d = 1'd1;
    end
  end

  always @(posedge aclk) begin
    if (~aresetn) begin
      space_q <= cfg_line_pixels;
      ready_q <= 1'd0;
      first_beat_q <= 1'd1;
      stored_q <= 1'd0;
      word_q <= 2'd0;
      word_at_last_q <= cfg_pixel_words_less_1 == 2'd0;
      mid_pixel_q <= 1'd0;
      address_q <= 5'd0;
      address_at_last_q <= cfg_line_words_less_1 == 5'd0;
      pixel_q <= 2'd0;
      pixel_at_last_q <= cfg_grad_pixels_less_1 == 2'd0;
      overdue_q <= 1'd0;
    end else begin
      space_q <= space_d;
      ready_q <= ready_d;
      first_beat_q <= first_beat_d;
      stored_q <= stored_d;
      word_q <= word_d;
      word_at_last_q <= word_at_last_d;
      mid_pixel_q <= mid_pixel_d;
      address_q <= address_d;
      address_at_last_q <= address_at_last_d;
      pixel_q <= pixel_d;
      pixel_at_last_q <= pixel_at_last_d;
      overdue_q <= overdue_d;
    end
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
  reg        told_q, told_d;  // `usable` one cycle ago: frames may still begin by it
  reg        accept;
  reg  [6:0] address_q, address_d;  // where the next word goes
  reg        address_at_last_q, address_at_last_d;
  reg        due;  // last beat of a set
  reg        overdue_q, overdue_d;  // tlast was missing and has not come since
  reg        is_missing;

  assign tlast_early = accept & tlast & ~due & ~overdue_q;
  assign tlast_missing = is_missing;
  assign tlast_late = accept & tlast & ~due & overdue_q;
  assign write = accept;
  assign write_address = address_q;
  assign weights_ready = usable_q;
  assign tready = ready_q;

  always @* begin
    loading_d = loading_q;
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
    end else if (tvalid & ~(usable_q | told_q | frame_busy)) begin
      loading_d = 1'd1;
    end
    ready_d = loading_d;
    usable_d = ~loading_d & ~tvalid;
    told_d = usable_q;
    if (accept) begin
      address_d = address_q + 7'd1;
      address_at_last_d = address_q == (cfg_weight_words_less_1 - 7'd1);
      if (address_at_last_q) begin
        address_d = 7'd0;
        address_at_last_d = cfg_weight_words_less_1 == 7'd0;
      end
    end
    // tlast against the count of beats.
    is_missing = accept & ~tlast & due;
    if (accept & tlast) begin
      overdue_d = 1'd0;
    end
    if (is_missing) begin
      overdue_d = 1'd1;
    end
  end

  always @(posedge aclk) begin
    if (~aresetn) begin
      loading_q <= 1'd1;
      ready_q <= 1'd0;
      usable_q <= 1'd0;
      told_q <= 1'd0;
      address_q <= 7'd0;
      address_at_last_q <= cfg_weight_words_less_1 == 7'd0;
      overdue_q <= 1'd0;
    end else begin
      loading_q <= loading_d;
      ready_q <= ready_d;
      usable_q <= usable_d;
      told_q <= told_d;
      address_q <= address_d;
      address_at_last_q <= address_at_last_d;
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
// An accumulation (all taps and blocks of K of one block of C) starts when its pixel's grad_output
// has arrived and the output FIFO has a free place; once started it never stalls, so nothing behind
// this block knows of stalls.
//
// Three steps: the loop names the next step; its constant is registered; the addresses take it.
//
// Promise: addresses and flags are registers, two cycles behind the loop; `acc_first` and `acc_last`
// mark an accumulation's first and last issue; the next pixel follows the last issue of the one
// before without a gap when its token, its data and a place in the FIFO are there. `free_pixels`
// counts the pixels of grad_output that are dead once the reads already issued are done.
module strided_issue (
  input  wire        aclk,
  input  wire        aresetn,  // synchronous, active low
  input  wire        token_valid,  // and a whole set of weights is there
  output wire        token_ready,
  input  wire [16:0] token,
  output wire        frame_busy,  // a frame is being or about to be issued
  input  wire        arrived,  // one more pixel is in the line buffer
  output wire        free_pixels,  // pixels dead as of now
  input  wire        taken,  // one more place in the output FIFO is free
  output wire [4:0]  grad_address,  // line-buffer read
  output wire [6:0]  weight_address,  // weight read
  output wire        acc_first,
  output wire        acc_last,  // low while nothing is issued
  output wire        frame_last,  // with acc_last: last result of a frame
  input  wire [1:0]  cfg_k_blocks_less_1,  // blocks of K of a run, less one
  input  wire        cfg_c_blocks_less_1,  // blocks of C of a run, less one
  input  wire [4:0]  cfg_grad_k_blocks,  // words to the next of the blocks of K
  input  wire [4:0]  cfg_grad_k_blocks_back,  // words back to the last of the blocks of K
  input  wire [6:0]  cfg_weight_k_blocks,  // weights to the next of the blocks of K
  input  wire [6:0]  cfg_weight_k_blocks_back,  // weights back to the last of the blocks of K
  input  wire [4:0]  cfg_grad_cols,  // words to the next of the tap columns
  input  wire [4:0]  cfg_grad_cols_back,  // words back to the last of the tap columns
  input  wire [6:0]  cfg_weight_cols,  // weights to the next of the tap columns
  input  wire [6:0]  cfg_weight_cols_back,  // weights back to the last of the tap columns
  input  wire [4:0]  cfg_grad_rows,  // words to the next of the tap rows
  input  wire [4:0]  cfg_grad_rows_back,  // words back to the last of the tap rows
  input  wire [6:0]  cfg_weight_rows,  // weights to the next of the tap rows
  input  wire [6:0]  cfg_weight_rows_back,  // weights back to the last of the tap rows
  input  wire [6:0]  cfg_weight_block,  // weights of one block of C
  input  wire [4:0]  cfg_fifo_results,  // results that the output FIFO holds
  input  wire [5:0]  cfg_line_words  // words in the line buffer
);
  reg        k_blocks_forth_q, k_blocks_forth_d;  // which way it runs
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
  reg        active_q, active_d;  // a pixel is in the loop
  reg        starts_q, starts_d;  // the next issue is an accumulation's first
  reg        held_free_q, held_free_d;
  reg        held_last_q, held_last_d;  // last pixel of the frame
  reg        in_frame_q, in_frame_d;
  reg  [3:0] avail_q, avail_d;  // pixels arrived minus pixels needed, signed
  reg  [4:0] credits_q, credits_d;  // free places in the output FIFO
  reg        credit_ok_q, credit_ok_d;
  reg        freed_q, freed_d;
  reg        out_free_q, out_free_d;  // the last read of these is on its way
  wire [4:0] token_address;
  wire [5:0] token_weight;
  wire       token_tap_rows;
  wire       token_tap_cols;
  wire       token_need;
  wire       token_free;
  wire       token_frame_last;
  reg        go;  // issue in this cycle
  reg        ends_acc_q, ends_acc_d;  // last issue of an accumulation
  reg        ends_pixel_q, ends_pixel_d;  // last issue of a pixel
  reg        done;  // last issue of the pixel
  reg        vacant;  // the loop has no pixel after this cycle
  reg        load;  // the next pixel enters
  reg  [4:0] grad_now_q, grad_now_d;
  reg  [4:0] grad_step_q, grad_step_d;
  reg  [4:0] grad_start_q, grad_start_d;  // the pixel's first
  reg  [6:0] weight_now_q, weight_now_d;
  reg  [6:0] weight_step_q, weight_step_d;
  reg  [6:0] weight_start_q, weight_start_d;  // the pixel's first
  reg        moves_q, moves_d;  // the addresses take a step
  reg        loads_q, loads_d;  // the addresses take a pixel's start
  reg  [5:0] grad_stepped_sum;
  reg  [4:0] grad_stepped;
  reg  [6:0] grad_stepped_wrapped;  // negative: no wrap is due
  wire       unused_grad_stepped_wrapped;
  reg  [4:0] out_grad_q, out_grad_d;
  reg  [6:0] out_weight_q, out_weight_d;
  reg        start;  // an accumulation starts
  reg  [3:0] more;
  reg  [3:0] less;
  reg  [1:0] first_line_q, first_line_d;  // travels beside the issue
  reg        ends;  // an accumulation ends
  reg        frame_ends;
  reg  [1:0] last_line_q, last_line_d;  // travels beside the issue
  reg  [1:0] frame_last_line_q, frame_last_line_d;  // travels beside the issue
  wire       unused_frame_first;

  assign token_address = token[4:0];
  assign token_weight = token[10:5];
  assign token_tap_rows = token[11];
  assign token_tap_cols = token[12];
  assign token_need = token[13];
  assign token_free = token[14];
  assign token_frame_last = token[16];
  assign unused_grad_stepped_wrapped = grad_stepped_wrapped[5];
  assign acc_first = first_line_q[1];
  assign acc_last = last_line_q[1];
  assign frame_last = frame_last_line_q[1];
  assign weight_address = out_weight_q;
  assign token_ready = load;
  assign frame_busy = in_frame_q | load;
  assign free_pixels = out_free_q;
  assign grad_address = out_grad_q;
  assign unused_frame_first = token[15];

  always @* begin
    k_blocks_forth_d = k_blocks_forth_q;
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
    starts_d = starts_q;
    held_free_d = held_free_q;
    held_last_d = held_last_q;
    in_frame_d = in_frame_q;
    grad_now_d = grad_now_q;
    weight_now_d = weight_now_q;
    first_line_d = first_line_q;
    last_line_d = last_line_q;
    frame_last_line_d = frame_last_line_q;
    go = active_q & (~starts_q | (credit_ok_q & ~avail_q[3]));
    done = go & ends_pixel_q;
    vacant = done | ~active_q;
    load = vacant & token_valid;
    // Constant of the step to the next issue.
    moves_d = go;
    loads_d = load;
    grad_step_d = cfg_grad_k_blocks;
    weight_step_d = cfg_weight_k_blocks;
    if (~k_blocks_forth_q) begin
      grad_step_d = cfg_grad_k_blocks_back;
      weight_step_d = cfg_weight_k_blocks_back;
    end
    if (k_blocks_last_q) begin
      grad_step_d = cfg_grad_cols;
      weight_step_d = cfg_weight_cols;
      if (~cols_forth_q) begin
        grad_step_d = cfg_grad_cols_back;
        weight_step_d = cfg_weight_cols_back;
      end
    end
    if (k_blocks_last_q & cols_last_q) begin
      grad_step_d = cfg_grad_rows;
      weight_step_d = cfg_weight_rows;
      if (~rows_forth_q) begin
        grad_step_d = cfg_grad_rows_back;
        weight_step_d = cfg_weight_rows_back;
      end
    end
    if (ends_acc_q) begin
      grad_step_d = 5'd0;
      weight_step_d = cfg_weight_block;
    end
    grad_start_d = token_address;
    weight_start_d = {1'd0, token_weight};
    grad_stepped_sum = {1'd0, grad_now_q} + {1'd0, grad_step_q};
    grad_stepped_wrapped = {1'd0, grad_stepped_sum} - {1'd0, cfg_line_words};
    grad_stepped = grad_stepped_wrapped[4:0];
    if (grad_stepped_wrapped[6]) begin
      grad_stepped = grad_stepped_sum[4:0];
    end
    // The addresses of the next issue; the ones in use go on to the memories.
    if (moves_q) begin
      grad_now_d = grad_stepped;
    end
    if (loads_q) begin
      grad_now_d = grad_start_q;
    end
    if (moves_q) begin
      weight_now_d = weight_now_q + weight_step_q;
    end
    if (loads_q) begin
      weight_now_d = weight_start_q;
    end
    out_grad_d = grad_now_q;
    out_weight_d = weight_now_q;
    // The loops.
    if (go) begin
      starts_d = ends_acc_q;
      k_blocks_left_d = k_blocks_left_q - 2'd1;
      k_blocks_last_d = k_blocks_left_q == 2'd1;
      if (k_blocks_last_q) begin
        k_blocks_left_d = cfg_k_blocks_less_1;
        k_blocks_last_d = cfg_k_blocks_less_1 == 2'd0;
        k_blocks_forth_d = ~k_blocks_forth_q;
      end
      if (k_blocks_last_q) begin
        cols_left_d = cols_left_q - 1'd1;
        cols_last_d = cols_left_q == 1'd1;
        if (k_blocks_last_q & cols_last_q) begin
          cols_left_d = cols_held_q;
          cols_last_d = ~cols_held_q;
          cols_forth_d = ~cols_forth_q;
        end
      end
      if (k_blocks_last_q & cols_last_q) begin
        rows_left_d = rows_left_q - 1'd1;
        rows_last_d = rows_left_q == 1'd1;
        if (k_blocks_last_q & cols_last_q & rows_last_q) begin
          rows_left_d = rows_held_q;
          rows_last_d = ~rows_held_q;
          rows_forth_d = ~rows_forth_q;
        end
      end
      if (ends_acc_q) begin
        c_blocks_left_d = c_blocks_left_q - 1'd1;
        c_blocks_last_d = c_blocks_left_q == 1'd1;
        if (ends_acc_q & c_blocks_last_q) begin
          c_blocks_left_d = cfg_c_blocks_less_1;
          c_blocks_last_d = ~cfg_c_blocks_less_1;
        end
      end
    end
    // A pixel enters; what it brings may be taken before it is known to be there.
    if (done) begin
      k_blocks_forth_d = 1'd1;
      cols_forth_d = 1'd1;
      rows_forth_d = 1'd1;
    end
    if (vacant) begin
      active_d = token_valid;
      starts_d = 1'd1;
      if (held_last_q) begin
        in_frame_d = 1'd0;
      end
      if (token_valid) begin
        in_frame_d = 1'd1;
      end
      held_free_d = token_free;
      held_last_d = token_valid & token_frame_last;
      cols_left_d = token_tap_cols;
      cols_last_d = ~token_tap_cols;
      cols_held_d = token_tap_cols;
      rows_left_d = token_tap_rows;
      rows_last_d = ~token_tap_rows;
      rows_held_d = token_tap_rows;
    end
    ends_acc_d = k_blocks_last_d & cols_last_d & rows_last_d;
    ends_pixel_d = k_blocks_last_d & cols_last_d & rows_last_d & c_blocks_last_d;
    start = go & starts_q;
    // Data that has arrived against data that the pixel in the loop needs.
    more = avail_q + {3'd0, arrived};
    less = avail_q + {3'd0, arrived} - {3'd0, token_need};
    avail_d = more;
    if (load) begin
      avail_d = less;
    end
    // Places in the output FIFO, taken at the start of an accumulation.
    credits_d = credits_q + {4'd0, taken} - {4'd0, start};
    credit_ok_d = credits_d != 5'd0;
    freed_d = held_free_q & done;
    out_free_d = freed_q;
    first_line_d[0] = starts_q;
    first_line_d[1] = first_line_q[0];
    ends = go & ends_acc_q;
    frame_ends = done & held_last_q;
    last_line_d[0] = ends;
    last_line_d[1] = last_line_q[0];
    frame_last_line_d[0] = frame_ends;
    frame_last_line_d[1] = frame_last_line_q[0];
  end

  always @(posedge aclk) begin
    if (~aresetn) begin
      k_blocks_forth_q <= 1'd1;
      k_blocks_left_q <= cfg_k_blocks_less_1;
      k_blocks_last_q <= cfg_k_blocks_less_1 == 2'd0;
      cols_forth_q <= 1'd1;
      rows_forth_q <= 1'd1;
      c_blocks_left_q <= cfg_c_blocks_less_1;
      c_blocks_last_q <= ~cfg_c_blocks_less_1;
      active_q <= 1'd0;
      held_last_q <= 1'd0;
      in_frame_q <= 1'd0;
      avail_q <= 4'd0;
      credits_q <= cfg_fifo_results;
      credit_ok_q <= 1'd0;
      freed_q <= 1'd0;
      out_free_q <= 1'd0;
      moves_q <= 1'd0;
      loads_q <= 1'd0;
      last_line_q <= 2'd0;
    end else begin
      k_blocks_forth_q <= k_blocks_forth_d;
      k_blocks_left_q <= k_blocks_left_d;
      k_blocks_last_q <= k_blocks_last_d;
      cols_forth_q <= cols_forth_d;
      rows_forth_q <= rows_forth_d;
      c_blocks_left_q <= c_blocks_left_d;
      c_blocks_last_q <= c_blocks_last_d;
      active_q <= active_d;
      held_last_q <= held_last_d;
      in_frame_q <= in_frame_d;
      avail_q <= avail_d;
      credits_q <= credits_d;
      credit_ok_q <= credit_ok_d;
      freed_q <= freed_d;
      out_free_q <= out_free_d;
      moves_q <= moves_d;
      loads_q <= loads_d;
      last_line_q <= last_line_d;
    end
    cols_held_q <= cols_held_d;
    cols_left_q <= cols_left_d;
    cols_last_q <= cols_last_d;
    rows_held_q <= rows_held_d;
    rows_left_q <= rows_left_d;
    rows_last_q <= rows_last_d;
    starts_q <= starts_d;
    held_free_q <= held_free_d;
    ends_acc_q <= ends_acc_d;
    ends_pixel_q <= ends_pixel_d;
    grad_now_q <= grad_now_d;
    grad_step_q <= grad_step_d;
    grad_start_q <= grad_start_d;
    weight_now_q <= weight_now_d;
    weight_step_q <= weight_step_d;
    weight_start_q <= weight_start_d;
    out_grad_q <= out_grad_d;
    out_weight_q <= out_weight_d;
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

  assign acc = acc_q;

  always @* begin
    acc_d = term + (acc_q & {21{~first}});
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
// is expanded to zeros ahead of the result, the run at a frame's end behind the last one.
//
// Promise: `tvalid`, `tdata` and `tlast` are registers and stay while `tready` is low; one beat a
// cycle, zeros and results alike; a result can leave three cycles after it was written.
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
  reg  [3:0]  write_slot_q, write_slot_d;
  reg  [3:0]  read_slot_q, read_slot_d;
  reg  [4:0]  waiting_q, waiting_d;  // results in the memory
  reg         some_q, some_d;  // waiting is not zero
  reg         held_q, held_d;  // the memory's output is a result that has yet to leave
  reg         gave_q, gave_d;
  reg         out_valid_q, out_valid_d;
  reg         out_last_q, out_last_d;
  reg  [41:0] out_data_q, out_data_d;
  reg         done_q, done_d;
  reg         read;  // a result moves from the memory to its output
  reg         move_out;  // a result moves to the stream's registers
  reg         open;  // the stream's registers are or become free
  wire [42:0] word;
  reg  [42:0] stored;

  assign taken = gave_q;
  assign tvalid = out_valid_q;
  assign tdata = out_data_q;
  assign tlast = out_last_q;
  assign frame_done = done_q;

  always @* begin
    write_slot_d = write_slot_q;
    read_slot_d = read_slot_q;
    held_d = held_q;
    out_valid_d = out_valid_q;
    out_last_d = out_last_q;
    out_data_d = out_data_q;
    stored[41:0] = acc;
    stored[42] = frame_last;
    open = tready | ~out_valid_q;
    move_out = held_q & open;
    read = some_q & (move_out | ~held_q);
    if (read) begin
      held_d = 1'd1;
    end else if (move_out) begin
      held_d = 1'd0;
    end
    waiting_d = waiting_q + {4'd0, write} - {4'd0, read};
    some_d = waiting_d != 5'd0;
    if (write) begin
      write_slot_d = write_slot_q + 4'd1;
    end
    if (read) begin
      read_slot_d = read_slot_q + 4'd1;
    end
    gave_d = read;
    if (open) begin
      out_valid_d = move_out;
      out_data_d = word[41:0];
      out_last_d = move_out & word[42];
    end
    done_d = out_valid_q & tready & out_last_q;
  end

  always @(posedge aclk) begin
    if (~aresetn) begin
      write_slot_q <= 4'd0;
      read_slot_q <= 4'd0;
      waiting_q <= 5'd0;
      some_q <= 1'd0;
      held_q <= 1'd0;
      gave_q <= 1'd0;
      out_valid_q <= 1'd0;
      done_q <= 1'd0;
    end else begin
      write_slot_q <= write_slot_d;
      read_slot_q <= read_slot_d;
      waiting_q <= waiting_d;
      some_q <= some_d;
      held_q <= held_d;
      gave_q <= gave_d;
      out_valid_q <= out_valid_d;
      done_q <= done_d;
    end
    out_last_q <= out_last_d;
    out_data_q <= out_data_d;
  end

  strided_result_memory u_results (
    .aclk          (aclk),
    .write         (write),
    .write_address (write_slot_q),
    .write_data    (stored),
    .read          (read),
    .read_address  (read_slot_q),
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
