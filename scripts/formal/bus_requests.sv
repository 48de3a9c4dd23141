// The rules of the channel of read addresses: a burst is offered as it was asked for, with its reader's number, and stays until
// it is taken; there is a grant where one asks and there is room, of one reader that asks.
wire [1:0] asks = {asks_1, asks_0};
wire [1:0] granted = {granted_1, granted_0};
reg waits, was_granted, was_reset, id_was;
reg [`W_request_address-1:0] address_was, address_granted;
reg [`W_request_last_word-1:0] last_was, last_granted;
reg who;
always @(posedge aclk) begin
  was_reset <= !aresetn;
  waits <= aresetn & request_valid & !request_ready;
  id_was <= request_id;
  address_was <= request_address;
  last_was <= request_last_word;
  was_granted <= aresetn & |granted;
  who <= granted_1;
  address_granted <= granted_1 ? address_1 : address_0;
  last_granted <= granted_1 ? last_word_1 : last_word_0;
end
// A reader that asked while the other was granted is the next.
reg [1:0] passed;
always @(posedge aclk) passed <= aresetn && |granted ? asks & ~granted : aresetn ? passed & asks : 2'd0;
always @* if (began) begin
  `must((granted & ~asks) == 0 && granted != 2'd3);
  if (aresetn && !was_reset) `must((|granted) == (|asks & (!request_valid | request_ready)));
  if (was_reset) `must(!request_valid);
  if (waits) `must(request_valid && request_id == id_was && request_address == address_was && request_last_word == last_was);
  if (was_granted) `must(request_valid && request_id == who && request_address == address_granted && request_last_word == last_granted);
  if (!was_granted && !waits) `must(!request_valid);
  if (|granted && |(passed & asks)) `must((granted & passed) != 0);
  `reach(waits && request_id);
  `reach(was_granted && passed[0] && granted_0);
end
