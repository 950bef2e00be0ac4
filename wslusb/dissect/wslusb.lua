-- Wireshark dissector of the wslusb protocol (docs/protocol.md), for captures of link type 271 (VSOCK).
--
-- Install it with "wslusb wireshark --install"; tshark takes it with -X lua_script:wslusb.lua. Wireshark 3.6 or newer.
-- Each direction of each connection is a byte stream: messages are cut out of it on the first pass, whatever pieces were
-- captured, and answers are tied to their requests by the sequence number.

local PORT = 0x5553422
local HEADER = 16
local LARGEST = 36 + 8 * 1024 + 8 * 1024 * 1024
local PAYLOAD = 4 -- the op of a vsockmon record that carries bytes of a connection
local VSOCKMON = 32

-- Numbers that have names ---------------------------------------------------------------------------------------------

local ENUMERATION, ATTACH, DETACH, URB_REQUEST, URB_RESPONSE, EVENT = 1, 2, 3, 4, 5, 6
local HELLO, CANCEL, RESET, PING, PONG, ERROR = 7, 8, 9, 10, 11, 255

local TYPES = {
    [ENUMERATION] = "ENUMERATION", [ATTACH] = "ATTACH", [DETACH] = "DETACH", [URB_REQUEST] = "URB_REQUEST",
    [URB_RESPONSE] = "URB_RESPONSE", [EVENT] = "EVENT", [HELLO] = "HELLO", [CANCEL] = "CANCEL", [RESET] = "RESET",
    [PING] = "PING", [PONG] = "PONG", [ERROR] = "ERROR",
}
local PURPOSES = { [0] = "CONTROL", [1] = "DATA" }
local SPEEDS = {
    [0] = "UNKNOWN", [1] = "LOW", [2] = "FULL", [3] = "HIGH", [4] = "WIRELESS", [5] = "SUPER", [6] = "SUPER_PLUS",
}
local STATES = { [0] = "NOT_SHARED", [1] = "SHARED", [2] = "ATTACHED" }
local CONTROL, ISOCHRONOUS = 0, 1
local TRANSFERS = { [0] = "CONTROL", [1] = "ISOCHRONOUS", [2] = "BULK", [3] = "INTERRUPT" }
local FUNCTIONS = {
    [0x0000] = "SELECT_CONFIGURATION", [0x0001] = "SELECT_INTERFACE", [0x0002] = "ABORT_PIPE",
    [0x0008] = "CONTROL_TRANSFER", [0x0009] = "BULK_OR_INTERRUPT_TRANSFER", [0x000a] = "ISOCH_TRANSFER",
    [0x000b] = "GET_DESCRIPTOR_FROM_DEVICE", [0x001e] = "RESET_PIPE", [0x0024] = "GET_DESCRIPTOR_FROM_ENDPOINT",
    [0x0028] = "GET_DESCRIPTOR_FROM_INTERFACE", [0x0032] = "CONTROL_TRANSFER_EX",
}
local REQUESTS = {
    [0] = "GET_STATUS", [1] = "CLEAR_FEATURE", [3] = "SET_FEATURE", [5] = "SET_ADDRESS", [6] = "GET_DESCRIPTOR",
    [7] = "SET_DESCRIPTOR", [8] = "GET_CONFIGURATION", [9] = "SET_CONFIGURATION", [10] = "GET_INTERFACE",
    [11] = "SET_INTERFACE", [12] = "SYNCH_FRAME", [48] = "SET_SEL", [49] = "SET_ISOCH_DELAY",
}
local STATUSES = {
    [0x00000000] = "OK", [0xc0000001] = "CRC", [0xc0000002] = "BIT_STUFF", [0xc0000004] = "STALL",
    [0xc0000005] = "NOT_RESPONDING", [0xc0000008] = "OVERRUN", [0xc0000009] = "SHORT",
    [0xc000000c] = "BUFFER_OVERRUN", [0xc000000d] = "BUFFER_UNDERRUN", [0xc0000011] = "PROTOCOL",
    [0xc0000022] = "ACCESS_DENIED", [0xc000009a] = "NO_MEMORY", [0xc0000120] = "CANCELLED",
    [0xc0000e00] = "NOT_SUPPORTED", [0xc0006000] = "TIMEOUT", [0xc0007000] = "GONE",
    [0xc0020000] = "ISO_NOT_ACCESSED", [0x80000300] = "INVALID", [0x80000400] = "BUSY", [0x80000500] = "FAILED",
}
local OUTCOMES = { [0] = "LOST", [1] = "WON" }
local EVENTS = {
    [1] = "ARRIVED", [2] = "LEFT", [3] = "CHANGED", [4] = "ATTACH_WANTED", [5] = "DETACH_WANTED", [6] = "ATTACHED",
    [7] = "DETACHED", [8] = "FAILED",
}
local REASONS = {
    [1] = "MALFORMED", [2] = "OVERSIZED", [3] = "OUT_OF_ORDER", [4] = "DUPLICATE", [5] = "UNKNOWN_TYPE",
    [6] = "UNKNOWN_SEQUENCE", [7] = "BAD_HANDLE", [8] = "BAD_STATE", [9] = "VERSION", [10] = "TIMEOUT",
    [11] = "CREDIT", [12] = "BAD_ANSWER", [13] = "BAD_TOKEN", [14] = "TRUNCATED", [15] = "LIMIT", [16] = "INTERNAL",
}

local function named(names, number)
    return names[number] or string.format("0x%x", number)
end

-- Fields --------------------------------------------------------------------------------------------------------------

local wslusb = Proto("wslusb", "wslusb: USB over vsock")
wslusb.prefs.port = Pref.uint("Port of the host", PORT, "The vsock port of the service, in decimal")

local F, fields = {}, {}

local function field(make, name, title, ...)
    local made = make("wslusb." .. name, title, ...)
    F[name] = made
    fields[#fields + 1] = made
end

local U8, U16, U32 = ProtoField.uint8, ProtoField.uint16, ProtoField.uint32
local TEXT, BYTES, BOOL, FRAME = ProtoField.string, ProtoField.bytes, ProtoField.bool, ProtoField.framenum

field(U32, "type", "Type", base.HEX, TYPES)
field(U32, "size", "Payload size")
field(U32, "sequence", "Sequence number")
field(U32, "handle", "Device handle", base.HEX)
field(U32, "status", "Status", base.HEX, STATUSES)
field(TEXT, "message", "Message")
field(U16, "count", "Count")
field(BYTES, "payload", "Payload")
field(BYTES, "part", "Part of a message")
field(BYTES, "extra", "Bytes that do not belong")

field(TEXT, "hello.magic", "Magic")
field(U16, "hello.oldest", "Oldest version")
field(U16, "hello.newest", "Newest version")
field(U8, "hello.purpose", "Purpose", base.DEC, PURPOSES)
field(U32, "hello.capabilities", "Capabilities", base.HEX)
field(BOOL, "hello.capabilities.kernel", "KERNEL", 32, nil, 0x1)
field(BOOL, "hello.capabilities.extensions", "EXTENSIONS", 32, nil, 0x2)
field(U32, "hello.transfer", "Largest transfer")
field(U32, "hello.iso_packets", "Most isochronous packets of a URB")
field(U32, "hello.urbs", "Most URBs in flight")
field(U32, "hello.bytes_in_flight", "Most bytes in flight")
field(BYTES, "hello.token", "Token")
field(TEXT, "hello.name", "Speaker")

field(TEXT, "device.busid", "Busid")
field(U16, "device.vendor", "idVendor", base.HEX)
field(U16, "device.product", "idProduct", base.HEX)
field(U16, "device.bcd_device", "bcdDevice", base.HEX)
field(U8, "device.class", "bDeviceClass", base.HEX)
field(U8, "device.subclass", "bDeviceSubClass", base.HEX)
field(U8, "device.protocol", "bDeviceProtocol", base.HEX)
field(U8, "device.speed", "Speed", base.DEC, SPEEDS)
field(U32, "device.generation", "Generation")
field(TEXT, "device.manufacturer", "Manufacturer")
field(TEXT, "device.product_name", "Product")
field(TEXT, "device.serial", "Serial number")
field(TEXT, "device.port_path", "Port path")
field(U8, "device.configuration", "Active configuration")
field(BYTES, "device.descriptor", "Device descriptor")
field(U8, "device.state", "State", base.DEC, STATES)
field(TEXT, "device.owner", "Owner")

field(TEXT, "attach.busid", "Busid")
field(U32, "attach.generation", "Generation")
field(U32, "attach.handle", "Handle", base.HEX)
field(U32, "attach.urbs", "URB credits")
field(U32, "attach.bytes", "Byte credits")
field(BYTES, "attach.configuration", "Configuration descriptor")
field(BYTES, "attach.bos", "BOS descriptor")

field(U16, "urb.function", "Function", base.HEX, FUNCTIONS)
field(U8, "urb.endpoint", "Endpoint", base.HEX)
field(U8, "urb.transfer", "Transfer type", base.DEC, TRANSFERS)
field(U32, "urb.flags", "Flags", base.HEX)
field(BOOL, "urb.flags.in", "IN", 32, nil, 0x1)
field(BOOL, "urb.flags.short_ok", "SHORT_OK", 32, nil, 0x2)
field(BOOL, "urb.flags.iso_asap", "ISO_ASAP", 32, nil, 0x4)
field(BOOL, "urb.flags.zero_packet", "ZERO_PACKET", 32, nil, 0x10000)
field(U32, "urb.length", "Length")
field(U32, "urb.interval", "Interval")
field(U32, "urb.stream", "Stream")
field(U32, "urb.start_frame", "Start frame")
field(U32, "urb.packets", "Isochronous packets")
field(U32, "urb.actual_length", "Actual length")
field(U32, "urb.error_count", "Error count")
field(BYTES, "urb.data", "Data")
field(U8, "setup.request_type", "bmRequestType", base.HEX)
field(U8, "setup.request", "bRequest")
field(TEXT, "setup.request_name", "Standard request")
field(U16, "setup.value", "wValue", base.HEX)
field(U16, "setup.index", "wIndex", base.HEX)
field(U16, "setup.length", "wLength")
field(U32, "iso.length", "Packet length")
field(U32, "iso.status", "Packet status", base.HEX, STATUSES)
field(U32, "iso.actual_length", "Packet actual length")

field(U32, "cancel.target", "URB")
field(U32, "cancel.outcome", "Outcome", base.DEC, OUTCOMES)
field(U8, "event.kind", "Event", base.DEC, EVENTS)
field(TEXT, "event.busid", "Busid")
field(U32, "event.ticket", "Ticket")
field(U32, "event.generation", "Generation")
field(TEXT, "event.node", "Device node")
field(U32, "error.reason", "Reason", base.DEC, REASONS)

field(FRAME, "request_in", "Request in", base.NONE, frametype.REQUEST)
field(FRAME, "response_in", "Response in", base.NONE, frametype.RESPONSE)
field(FRAME, "urb_in", "URB in", base.NONE, frametype.NONE)
field(FRAME, "ends_in", "Message ends in", base.NONE, frametype.NONE)
field(FRAME, "begins_in", "Message begins in", base.NONE, frametype.NONE)
field(ProtoField.relative_time, "time", "Time since the request")
wslusb.fields = fields

local E = {
    error = ProtoExpert.new("wslusb.expert.error", "The connection ends", expert.group.RESPONSE_CODE, expert.severity.ERROR),
    status = ProtoExpert.new("wslusb.expert.status", "It failed", expert.group.RESPONSE_CODE, expert.severity.WARN),
    truncated = ProtoExpert.new("wslusb.expert.truncated", "The message ends too soon", expert.group.MALFORMED,
        expert.severity.ERROR),
    extra = ProtoExpert.new("wslusb.expert.extra", "The message is too long", expert.group.MALFORMED,
        expert.severity.WARN),
    oversized = ProtoExpert.new("wslusb.expert.oversized", "No message has this size", expert.group.MALFORMED,
        expert.severity.ERROR),
    unknown = ProtoExpert.new("wslusb.expert.unknown_type", "Unknown message type", expert.group.UNDECODED,
        expert.severity.WARN),
    unasked = ProtoExpert.new("wslusb.expert.unasked", "Nothing in this capture asked for it", expert.group.SEQUENCE,
        expert.severity.WARN),
}
wslusb.experts = { E.error, E.status, E.truncated, E.extra, E.oversized, E.unknown, E.unasked }

-- Reading a payload field by field --------------------------------------------------------------------------------------

local TRUNCATED = {} -- raised where a payload ends too soon

local Reader = {}
Reader.__index = Reader

local function reader(tvb, at, size)
    return setmetatable({ tvb = tvb, at = at, stop = at + size }, Reader)
end

function Reader:left()
    return self.stop - self.at
end

function Reader:take(size)
    if self:left() < size then
        error(TRUNCATED, 0)
    end
    local range = self.tvb(self.at, size)
    self.at = self.at + size
    return range
end

function Reader:number(tree, name, size)
    local range = self:take(size)
    return range:le_uint(), tree:add_le(F[name], range)
end

function Reader:u8(tree, name) return self:number(tree, name, 1) end
function Reader:u16(tree, name) return self:number(tree, name, 2) end
function Reader:u32(tree, name) return self:number(tree, name, 4) end

function Reader:bytes(tree, name, size)
    if size > 0 then
        tree:add(F[name], self:take(size))
    end
end

function Reader:text(tree, name)
    local start, size = self.at, self:take(2):le_uint()
    local value = size > 0 and self:take(size):string(ENC_UTF_8) or ""
    tree:add(F[name], self.tvb(start, 2 + size), value)
    return value
end

function Reader:blob(tree, name)
    self:bytes(tree, name, self:take(4):le_uint())
end

-- Payloads: each returns what the Info column says ------------------------------------------------------------------------

local function flags(r, tree, name, bits)
    local range = r:take(4)
    local item = tree:add_le(F[name], range)
    for _, bit in ipairs(bits) do
        item:add_le(F[name .. "." .. bit], range)
    end
    return range:le_uint()
end

local function hello(r, tree)
    tree:add(F["hello.magic"], r:take(8))
    r:u16(tree, "hello.oldest")
    r:u16(tree, "hello.newest")
    local purpose = r:u8(tree, "hello.purpose")
    flags(r, tree, "hello.capabilities", { "kernel", "extensions" })
    for _, name in ipairs({ "transfer", "iso_packets", "urbs", "bytes_in_flight" }) do
        r:u32(tree, "hello." .. name)
    end
    r:bytes(tree, "hello.token", r:take(1):uint())
    local name = r:text(tree, "hello.name")
    r.at = r.stop -- what follows is a newer version's
    return named(PURPOSES, purpose) .. " " .. name
end

local function device(r, tree)
    local start = r.at
    local entry = tree:add(wslusb, r.tvb(start, r:left()), "Device")
    local busid = r:text(entry, "device.busid")
    local vendor = r:u16(entry, "device.vendor")
    local product = r:u16(entry, "device.product")
    r:u16(entry, "device.bcd_device")
    for _, name in ipairs({ "class", "subclass", "protocol", "speed" }) do
        r:u8(entry, "device." .. name)
    end
    r:u32(entry, "device.generation")
    for _, name in ipairs({ "manufacturer", "product_name", "serial", "port_path" }) do
        r:text(entry, "device." .. name)
    end
    r:u8(entry, "device.configuration")
    r:blob(entry, "device.descriptor")
    r:u8(entry, "device.state")
    r:text(entry, "device.owner")
    entry:set_len(r.at - start)
    entry:append_text(string.format(" %s (%04x:%04x)", busid, vendor, product))
    return busid
end

local function enumeration_answer(r, tree)
    local count = r:u16(tree, "count")
    for _ = 1, count do
        device(r, tree)
    end
    return count .. " devices"
end

local function status(r, tree)
    local number, item = r:u32(tree, "status")
    if number ~= 0 then
        item:add_proto_expert_info(E.status, named(STATUSES, number))
    end
    return number, named(STATUSES, number)
end

local function attach(r, tree)
    local busid = r:text(tree, "attach.busid")
    r:u32(tree, "attach.generation")
    return busid
end

local function attach_answer(r, tree)
    local number, name = status(r, tree)
    local message = r:text(tree, "message")
    if number ~= 0 then
        return name .. " " .. message
    end
    local handle = r:u32(tree, "attach.handle")
    r:u32(tree, "attach.urbs")
    r:u32(tree, "attach.bytes")
    local busid = device(r, tree)
    local count = r:u16(tree, "count")
    for _ = 1, count do
        r:blob(tree, "attach.configuration")
    end
    r:blob(tree, "attach.bos")
    return string.format("%s is handle 0x%x", busid, handle)
end

local function status_answer(r, tree)
    local _, name = status(r, tree)
    local message = r:text(tree, "message")
    return message ~= "" and name .. " " .. message or name
end

local function setup(r, tree)
    local packet = tree:add(wslusb, r.tvb(r.at, math.min(8, r:left())), "Setup packet")
    local kind = r:u8(packet, "setup.request_type")
    local request, item = r:u8(packet, "setup.request")
    if math.floor(kind / 32) % 4 == 0 and REQUESTS[request] then
        item:append_text(" (" .. REQUESTS[request] .. ")")
        packet:add(F["setup.request_name"], REQUESTS[request]):set_generated()
    end
    r:u16(packet, "setup.value")
    r:u16(packet, "setup.index")
    r:u16(packet, "setup.length")
end

local function urb_request(r, tree)
    local call = r:u16(tree, "urb.function")
    local endpoint = r:u8(tree, "urb.endpoint")
    local transfer = r:u8(tree, "urb.transfer")
    flags(r, tree, "urb.flags", { "in", "short_ok", "iso_asap", "zero_packet" })
    local length = r:u32(tree, "urb.length")
    r:u32(tree, "urb.interval")
    r:u32(tree, "urb.stream")
    r:u32(tree, "urb.start_frame")
    local count = r:u32(tree, "urb.packets")
    if transfer == CONTROL and call ~= 0x0002 then
        setup(r, tree)
    else
        r:take(8)
    end
    for _ = 1, count do
        r:u32(tree, "iso.length")
    end
    r:bytes(tree, "urb.data", r:left())
    return string.format("%s 0x%02x, %d bytes", named(FUNCTIONS, call), endpoint, length)
end

local function urb_response(r, tree)
    local _, name = status(r, tree)
    local length = r:u32(tree, "urb.actual_length")
    r:u32(tree, "urb.error_count")
    r:u32(tree, "urb.start_frame")
    local count = r:u32(tree, "urb.packets")
    for _ = 1, count do
        r:u32(tree, "iso.status")
        r:u32(tree, "iso.actual_length")
    end
    r:bytes(tree, "urb.data", r:left())
    return string.format("%s, %d bytes", name, length)
end

local function cancel(r, tree)
    return "of #" .. r:u32(tree, "cancel.target")
end

local function cancel_answer(r, tree)
    local target = r:u32(tree, "cancel.target")
    return "of #" .. target .. " " .. named(OUTCOMES, r:u32(tree, "cancel.outcome"))
end

local function event(r, tree)
    local kind = r:u8(tree, "event.kind")
    local busid = r:text(tree, "event.busid")
    r:u32(tree, "event.ticket")
    r:u32(tree, "event.generation")
    r:text(tree, "message")
    local count = r:u16(tree, "count")
    for _ = 1, count do
        r:text(tree, "event.node")
    end
    return named(EVENTS, kind) .. " " .. busid
end

local function failure(r, tree)
    local reason, item = r:u32(tree, "error.reason")
    local said = named(REASONS, reason) .. ": " .. r:text(tree, "message")
    item:add_proto_expert_info(E.error, said)
    return said
end

local function nothing()
    return ""
end

-- Requests go from the guest to the host, answers the other way.
local TO_HOST = {
    [ENUMERATION] = nothing, [ATTACH] = attach, [DETACH] = nothing, [URB_REQUEST] = urb_request, [HELLO] = hello,
    [CANCEL] = cancel, [RESET] = nothing, [EVENT] = event, [PING] = nothing, [PONG] = nothing, [ERROR] = failure,
}
local TO_GUEST = {
    [ENUMERATION] = enumeration_answer, [ATTACH] = attach_answer, [DETACH] = status_answer,
    [URB_RESPONSE] = urb_response, [HELLO] = hello, [CANCEL] = cancel_answer, [RESET] = status_answer,
    [EVENT] = event, [PING] = nothing, [PONG] = nothing, [ERROR] = failure,
}
local QUESTIONS = {
    [ENUMERATION] = true, [ATTACH] = true, [DETACH] = true, [URB_REQUEST] = true, [HELLO] = true, [CANCEL] = true,
    [RESET] = true,
}
local ANSWER_TO = {
    [ENUMERATION] = ENUMERATION, [ATTACH] = ATTACH, [DETACH] = DETACH, [URB_RESPONSE] = URB_REQUEST, [HELLO] = HELLO,
    [CANCEL] = CANCEL, [RESET] = RESET,
}

-- The first pass: messages out of pieces, answers to requests -------------------------------------------------------------

local flows -- a direction of a connection -> what has arrived of an unfinished message
local asked -- a direction of a connection -> sequence number -> request
local packets -- frame number -> pieces

function wslusb.init()
    flows, asked, packets = {}, {}, {}
end

local function asks(kind, to_host)
    return kind == PING or (to_host and QUESTIONS[kind])
end

local function answers(kind, to_host)
    if kind == PONG then
        return PING
    end
    return not to_host and ANSWER_TO[kind] or nil
end

local function le32(raw, at)
    local a, b, c, d = raw:byte(at + 1, at + 4)
    return a + 256 * (b + 256 * (c + 256 * d))
end

local function duration(seconds)
    local whole = math.floor(seconds)
    return NSTime.new(whole, math.floor((seconds - whole) * 1e9 + 0.5))
end

-- Ties a message to the one that it answers, or remembers it for its answer. raw: at least its first 20 bytes, if it
-- has as many.
local function relate(message, raw, link, pinfo)
    local kind, sequence = le32(raw, 0), le32(raw, 8)
    local mine, theirs = asked[link.there] or {}, asked[link.back] or {}
    asked[link.there], asked[link.back] = mine, theirs
    if asks(kind, link.to_host) then
        local request = { frame = pinfo.number, time = pinfo.rel_ts, kind = kind }
        if kind == URB_REQUEST and #raw >= HEADER + 4 then
            request.endpoint, request.transfer = raw:byte(HEADER + 3, HEADER + 4)
        elseif kind == CANCEL and #raw >= HEADER + 4 then
            message.target = mine[le32(raw, HEADER)]
        end
        mine[sequence], message.asks = request, request
        return
    end
    local question = answers(kind, link.to_host)
    local request = question and theirs[sequence]
    if request and request.kind == question then
        request.answer, message.answers = pinfo.number, request
        message.after = duration(pinfo.rel_ts - request.time)
    else
        message.unasked = question ~= nil
    end
end

-- A message that lies whole in what was captured, or nil.
local function whole(tvb, at, flow, link, pinfo)
    local left = tvb:len() - at
    if flow.unfinished or left < HEADER then
        return nil
    end
    local size = HEADER + tvb(at + 4, 4):le_uint()
    if size > left then
        return nil
    end
    local message = { size = size }
    relate(message, tvb:raw(at, math.min(size, HEADER + 4)), link, pinfo)
    return { at = at, size = size, message = message }
end

-- Adds bytes to the unfinished message of a direction: as many as its header lacks, then as many as it lacks.
local function more(tvb, at, flow, pinfo)
    local unfinished = flow.unfinished or { parts = {}, have = 0, size = HEADER, begins = pinfo.number }
    flow.unfinished = unfinished
    local used = math.min(unfinished.size - unfinished.have, tvb:len() - at)
    unfinished.parts[#unfinished.parts + 1] = tvb:raw(at, used)
    unfinished.have = unfinished.have + used
    if unfinished.have == HEADER and not unfinished.measured then
        local size = le32(table.concat(unfinished.parts), 4)
        unfinished.size, unfinished.measured, flow.lost = HEADER + size, true, size > LARGEST
    end
    return unfinished, used
end

local function finish(piece, flow, link, pinfo)
    local unfinished = flow.unfinished
    local raw = table.concat(unfinished.parts)
    unfinished.ends, unfinished.parts, flow.unfinished = pinfo.number, nil, nil
    piece.bytes = ByteArray.new(raw, true)
    piece.message = { size = #raw, begins = unfinished.begins }
    relate(piece.message, raw, link, pinfo)
end

-- The pieces of one captured packet: whole messages, the end of an earlier one, a part of one that goes on.
local function cut(tvb, link, pinfo)
    local flow = flows[link.there] or {}
    flows[link.there] = flow
    local pieces, at = {}, link.start
    while at < tvb:len() do
        local piece = pieces[#pieces]
        if flow.lost then
            pieces[#pieces + 1] = { at = at, size = tvb:len() - at, lost = true }
            return pieces
        end
        local message = whole(tvb, at, flow, link, pinfo)
        if message then
            pieces[#pieces + 1] = message
            at = at + message.size
        else
            local unfinished, used = more(tvb, at, flow, pinfo)
            if not piece or piece.of ~= unfinished then
                piece = { at = at, size = 0, of = unfinished }
                pieces[#pieces + 1] = piece
            end
            piece.size, piece.lost = piece.size + used, flow.lost
            at = at + used
            if unfinished.measured and unfinished.have == unfinished.size then
                finish(piece, flow, link, pinfo)
            end
        end
    end
    return pieces
end

-- Every pass: the tree ----------------------------------------------------------------------------------------------------

local function generated(tree, name, value)
    tree:add(F[name], value):set_generated()
end

local function references(message, tree)
    if message.begins then
        generated(tree, "begins_in", message.begins)
    end
    if message.asks and message.asks.answer then
        generated(tree, "response_in", message.asks.answer)
    end
    if message.target then
        generated(tree, "urb_in", message.target.frame)
    end
    local request = message.answers
    if request then
        generated(tree, "request_in", request.frame)
        generated(tree, "time", message.after)
        if request.endpoint then
            generated(tree, "urb.endpoint", request.endpoint)
            generated(tree, "urb.transfer", request.transfer)
        end
    elseif message.unasked then
        tree:add_proto_expert_info(E.unasked)
    end
end

local function body(r, tree, kind, to_host)
    local read = (to_host and TO_HOST or TO_GUEST)[kind]
    if not read then
        tree:add_proto_expert_info(E.unknown)
        r:bytes(tree, "payload", r:left())
        return ""
    end
    local sound, said = pcall(read, r, tree)
    if not sound then
        if said ~= TRUNCATED then
            error(said, 0)
        end
        tree:add_proto_expert_info(E.truncated)
        return "(cut)"
    end
    if r:left() > 0 then
        tree:add_proto_expert_info(E.extra)
        r:bytes(tree, "extra", r:left())
    end
    return said
end

local function show(message, tvb, at, root, to_host)
    local tree = root:add(wslusb, tvb(at, message.size))
    local kind, item = tvb(at, 4):le_uint(), tree:add_le(F["type"], tvb(at, 4))
    local r = reader(tvb, at + 4, message.size - 4)
    r:u32(tree, "size")
    local sequence = r:u32(tree, "sequence")
    r:u32(tree, "handle")
    references(message, tree)
    local title = named(TYPES, kind) .. (sequence > 0 and " #" .. sequence or "")
    local said = body(r, tree, kind, to_host)
    local text = said ~= "" and title .. " " .. said or title
    tree:set_text("wslusb, " .. (to_host and "to host: " or "to guest: ") .. text)
    return text, item
end

local function show_part(piece, tvb, root)
    local tree = root:add(wslusb, tvb(piece.at, piece.size), "wslusb, part of a message")
    tree:add(F["part"], tvb(piece.at, piece.size))
    if piece.lost then
        tree:add_proto_expert_info(E.oversized)
        return "(not a message)"
    end
    if piece.of.ends then
        generated(tree, "ends_in", piece.of.ends)
    end
    return "(part of a message)"
end

local vsock = Dissector.get("vsock")

-- Where the connection's bytes begin and which way they went; nil for what is none of ours.
local function connection(tvb)
    if tvb:len() < VSOCKMON or tvb(24, 2):le_uint() ~= PAYLOAD then
        return nil
    end
    local source, destination = tvb(16, 4):le_uint(), tvb(20, 4):le_uint()
    local from_host, to_host = source == wslusb.prefs.port, destination == wslusb.prefs.port
    if from_host == to_host then
        return nil
    end
    local one, other = tvb:raw(0, 8) .. tvb:raw(16, 4), tvb:raw(8, 8) .. tvb:raw(20, 4)
    return { there = one .. other, back = other .. one, to_host = to_host, start = VSOCKMON + tvb(28, 2):le_uint() }
end

function wslusb.dissector(tvb, pinfo, root)
    vsock:call(tvb, pinfo, root)
    local link = connection(tvb)
    if not link or link.start >= tvb:len() then
        return
    end
    if not pinfo.visited or not packets[pinfo.number] then
        packets[pinfo.number] = cut(tvb, link, pinfo)
    end
    local said = {}
    for _, piece in ipairs(packets[pinfo.number]) do
        if not piece.message then
            said[#said + 1] = show_part(piece, tvb, root)
        elseif piece.bytes then
            said[#said + 1] = show(piece.message, piece.bytes:tvb("Reassembled message"), 0, root, link.to_host)
        else
            said[#said + 1] = show(piece.message, tvb, piece.at, root, link.to_host)
        end
    end
    pinfo.cols.protocol = "wslusb"
    pinfo.cols.info = table.concat(said, "; ")
end

DissectorTable.get("wtap_encap"):add(wtap.VSOCK, wslusb)
