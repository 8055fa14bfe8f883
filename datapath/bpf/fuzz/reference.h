/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A second reading of packets, by another hand: byte by byte out of the whole frame, in no hurry, and sharing nothing
 * with parse.h but the limits that it promises.
 */
#ifndef SALLYPORT_FUZZ_REFERENCE_H
#define SALLYPORT_FUZZ_REFERENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum reading_kind {
	READS_BROKEN,
	READS_ARP,
	READS_NOT_IP,
	READS_WHOLE,
	READS_LATER_FRAGMENT,
};

struct reading {
	enum reading_kind kind;
	/* 4 or 6. */
	int version;
	uint8_t source[16], destination[16];
	uint8_t protocol, hop_limit, flags;
	/* Of TCP and UDP; of ICMP the type and code, and the identifier. */
	uint16_t source_port, destination_port, type_code, identifier;
	/* Offset in the frame of the transport header, what follows it, and the end of the datagram. */
	size_t transport, payload, end;
	/* A first fragment with more to come; or a whole datagram with a fragment header. */
	bool first, atomic;
	uint32_t identification;
	uint8_t fragment_protocol;
};

struct bytes {
	const uint8_t *at;
	size_t length;
};

static uint16_t read16(struct bytes bytes, size_t at)
{
	return (uint16_t)(bytes.at[at] * 256 + bytes.at[at + 1]);
}

static bool has(struct bytes bytes, size_t from, size_t length)
{
	return from <= bytes.length && length <= bytes.length - from;
}

static bool is_reference_extension(uint8_t protocol)
{
	switch (protocol) {
	case 0:
	case 43:
	case 44:
	case 51:
	case 60:
		return true;
	default:
		return false;
	}
}

static size_t reference_extension_length(uint8_t protocol, uint8_t length)
{
	switch (protocol) {
	case 44:
		return 8;
	case 51:
		return ((size_t)length + 2) * 4;
	default:
		return ((size_t)length + 1) * 8;
	}
}

static uint8_t icmp_of(int version)
{
	return version == 4 ? 1 : 58;
}

/* `datagram` ends where the datagram does. */
static enum reading_kind read_transport(struct reading *reading, struct bytes datagram, size_t at)
{
	size_t length;

	reading->transport = reading->payload = at;
	if (reading->protocol == 6) {
		if (!has(datagram, at, 20))
			return READS_BROKEN;
		length = (size_t)(datagram.at[at + 12] / 16) * 4;
		if (length < 20 || !has(datagram, at, length))
			return READS_BROKEN;
		reading->flags = datagram.at[at + 13];
		reading->payload = at + length;
	} else if (reading->protocol == 17) {
		if (!has(datagram, at, 8) || read16(datagram, at + 4) < 8)
			return READS_BROKEN;
		reading->payload = at + 8;
	} else if (reading->protocol == icmp_of(reading->version)) {
		if (!has(datagram, at, 8))
			return READS_BROKEN;
		reading->type_code = read16(datagram, at);
		reading->identifier = read16(datagram, at + 4);
		reading->payload = at + 8;
		return READS_WHOLE;
	} else {
		return READS_WHOLE;
	}
	reading->source_port = read16(datagram, at);
	reading->destination_port = read16(datagram, at + 2);
	return READS_WHOLE;
}

static enum reading_kind read_later(struct reading *reading, size_t at, size_t offset, size_t length)
{
	reading->transport = reading->payload = at;
	reading->protocol = reading->fragment_protocol;
	if (offset + length > 65535)
		return READS_BROKEN;
	if (reading->protocol == 6 && offset < 20)
		return READS_BROKEN;
	return READS_LATER_FRAGMENT;
}

static enum reading_kind read_version4(struct reading *reading, struct bytes frame, size_t at, bool super)
{
	size_t header, total, offset;
	struct bytes datagram = frame;

	if (!has(frame, at, 20) || frame.at[at] / 16 != 4)
		return READS_BROKEN;
	header = (size_t)(frame.at[at] % 16) * 4;
	total = read16(frame, at + 2);
	if (total == 0 && super)
		total = frame.length - at;
	if (header < 20 || total < header || !has(frame, at, total))
		return READS_BROKEN;
	reading->version = 4;
	reading->hop_limit = frame.at[at + 8];
	reading->protocol = reading->fragment_protocol = frame.at[at + 9];
	reading->identification = read16(frame, at + 4);
	memcpy(reading->source, frame.at + at + 12, 4);
	memcpy(reading->destination, frame.at + at + 16, 4);
	reading->end = datagram.length = at + total;
	offset = (size_t)(read16(frame, at + 6) % 8192) * 8;
	if (offset > 0)
		return read_later(reading, at + header, offset, total - header);
	reading->first = read16(frame, at + 6) & 0x2000;
	return read_transport(reading, datagram, at + header);
}

static enum reading_kind read_version6(struct reading *reading, struct bytes frame, size_t at, bool super)
{
	struct bytes datagram = frame;
	bool fragmented = false;
	uint8_t next;
	int chain;

	if (!has(frame, at, 40) || frame.at[at] / 16 != 6)
		return READS_BROKEN;
	reading->end = at + 40 + read16(frame, at + 4);
	if (read16(frame, at + 4) == 0 && super)
		reading->end = frame.length;
	if (reading->end > frame.length)
		return READS_BROKEN;
	datagram.length = reading->end;
	reading->version = 6;
	reading->hop_limit = frame.at[at + 7];
	memcpy(reading->source, frame.at + at + 8, 16);
	memcpy(reading->destination, frame.at + at + 24, 16);
	next = frame.at[at + 6];
	at += 40;
	for (chain = 0; is_reference_extension(next); chain++) {
		/* Six headers, all of them in the first KiB: what parse.h promises to follow. */
		if (chain == 6 || !has(datagram, at, 8) || at + 8 > 1023)
			return READS_BROKEN;
		if (next == 44) {
			size_t offset = read16(datagram, at + 2) & 0xfff8;

			if (fragmented)
				return READS_BROKEN;
			fragmented = true;
			reading->fragment_protocol = datagram.at[at];
			reading->identification = (uint32_t)read16(datagram, at + 4) << 16 | read16(datagram, at + 6);
			if (offset > 0)
				return read_later(reading, at + 8, offset, reading->end - at - 8);
			reading->first = datagram.at[at + 3] & 1;
			reading->atomic = !reading->first;
		}
		size_t length = reference_extension_length(next, datagram.at[at + 1]);

		next = datagram.at[at];
		at += length;
		if (at > 1023)
			return READS_BROKEN;
	}
	if (at > datagram.length)
		return READS_BROKEN;
	reading->protocol = next;
	return read_transport(reading, datagram, at);
}

/* `super`: a GSO packet, which need not say how long it is. */
static struct reading read_frame(struct bytes frame, bool super)
{
	struct reading reading = {.kind = READS_BROKEN};
	size_t at = 12;
	int tags = 0;

	if (!has(frame, 0, 14))
		return reading;
	while (read16(frame, at) == 0x8100 || read16(frame, at) == 0x88a8) {
		if (!has(frame, at + 2, 4))
			return reading;
		at += 4;
		if (++tags == 3) {
			reading.kind = READS_NOT_IP;
			return reading;
		}
	}
	switch (read16(frame, at)) {
	case 0x0800:
		reading.kind = read_version4(&reading, frame, at + 2, super);
		break;
	case 0x86dd:
		reading.kind = read_version6(&reading, frame, at + 2, super);
		break;
	case 0x0806:
		reading.kind = READS_ARP;
		break;
	default:
		reading.kind = READS_NOT_IP;
	}
	return reading;
}

/* The packet that an ICMP error quotes; false: none whose flow could be known (S-34). */
static bool read_quote(struct reading *quote, const struct reading *error, struct bytes frame)
{
	struct bytes datagram = {.at = frame.at, .length = error->end < 65535 ? error->end : 65535};
	size_t at = error->transport + 8, needed;
	int chain;

	*quote = (struct reading){.version = error->version};
	if (error->version == 4) {
		if (!has(datagram, at, 20) || datagram.at[at] / 16 != 4 || datagram.at[at] % 16 < 5)
			return false;
		if (read16(datagram, at + 6) % 8192 != 0)
			return false;
		quote->protocol = datagram.at[at + 9];
		memcpy(quote->source, datagram.at + at + 12, 4);
		memcpy(quote->destination, datagram.at + at + 16, 4);
		at += (size_t)(datagram.at[at] % 16) * 4;
	} else {
		if (!has(datagram, at, 40) || datagram.at[at] / 16 != 6)
			return false;
		quote->protocol = datagram.at[at + 6];
		memcpy(quote->source, datagram.at + at + 8, 16);
		memcpy(quote->destination, datagram.at + at + 24, 16);
		at += 40;
		for (chain = 0; is_reference_extension(quote->protocol); chain++) {
			uint8_t header = quote->protocol;

			if (chain == 6 || !has(datagram, at, 4))
				return false;
			if (header == 44 && (read16(datagram, at + 2) & 0xfff8) != 0)
				return false;
			quote->protocol = datagram.at[at];
			at += reference_extension_length(header, datagram.at[at + 1]);
		}
	}
	if (memcmp(quote->source, error->destination, sizeof(quote->source)) != 0)
		return false;
	needed = quote->protocol == 6 || quote->protocol == 17 ? 4 : quote->protocol == icmp_of(error->version) ? 8 : 0;
	if (needed > 0 && !has(datagram, at, needed))
		return false;
	if (needed == 4) {
		quote->source_port = read16(datagram, at);
		quote->destination_port = read16(datagram, at + 2);
	} else if (needed == 8) {
		quote->type_code = read16(datagram, at);
		quote->identifier = read16(datagram, at + 4);
		return quote->type_code == (error->version == 4 ? 8 : 128) * 256 ||
		       quote->type_code == (error->version == 4 ? 0 : 129) * 256;
	}
	return true;
}

#endif
