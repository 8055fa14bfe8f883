// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * libFuzzer target: the parser of the datapath against a second one, on packets whose linear part ends anywhere.
 * An input is how the packet lies in memory (struct layout) and the frame. lab/differential/fuzz.ts runs it.
 */
#include <stdio.h>
#include "skb.h"
#include "../parse.h"
#include "../related.h"
#include "reference.h"

struct layout {
	/* DIRECTION_EGRESS in bit 0, a super-packet in bit 1. */
	__u8 flags;
	/* Bytes of the linear part; LAYOUT_LINEAR: all of them. */
	__u8 linear;
};

#define LAYOUT_SUPER  2
#define LAYOUT_LINEAR 255

/* Ends the run, and says what does not hold. */
#define require(claim) ((claim) ? (void)0 : disagree(#claim, __LINE__))

static void disagree(const char *claim, int line)
{
	fprintf(stderr, "the two readings disagree: parse.c:%d: %s\n", line, claim);
	abort();
}

static enum reading_kind kind_of(int shape)
{
	switch (shape) {
	case PACKET_IP:
		return READS_WHOLE;
	case PACKET_LATER_FRAGMENT:
		return READS_LATER_FRAGMENT;
	case PACKET_ARP:
		return READS_ARP;
	case PACKET_NOT_IP:
		return READS_NOT_IP;
	default:
		return READS_BROKEN;
	}
}

/* Addresses and ports, from the pod's view and from the wire's. */
static void require_ends(const struct packet *packet, const struct reading *reading)
{
	bool egress = packet->direction == DIRECTION_EGRESS;
	bool echo = packet->icmp == ICMP_ECHO_REQUEST || packet->icmp == ICMP_ECHO_REPLY;

	require(!memcmp(egress ? packet->local : packet->remote, reading->source, 16));
	require(!memcmp(egress ? packet->remote : packet->local, reading->destination, 16));
	require(packet->family == (reading->version == 6 ? FAMILY_IPV6 : FAMILY_IPV4));
	require(packet->protocol == reading->protocol);
	require(packet->icmp_type_code == reading->type_code);
	if (echo) {
		bool by_pod = egress == (packet->icmp == ICMP_ECHO_REQUEST);

		require((by_pod ? packet->local_port : packet->remote_port) == reading->identifier);
		require((by_pod ? packet->remote_port : packet->local_port) == 0);
		return;
	}
	require((egress ? packet->local_port : packet->remote_port) == reading->source_port);
	require((egress ? packet->remote_port : packet->local_port) == reading->destination_port);
}

static void require_fragment(const struct packet *packet, const struct reading *reading)
{
	switch (packet->fragment) {
	case NO_FRAGMENT:
		require(reading->kind == READS_WHOLE && !reading->first && !reading->atomic);
		return;
	case ATOMIC_FRAGMENT:
		require(reading->atomic);
		break;
	case FIRST_FRAGMENT:
		require(reading->first);
		break;
	case LATER_FRAGMENT:
		require(reading->kind == READS_LATER_FRAGMENT);
		break;
	}
	require(packet->fragment_id == reading->identification);
	require(packet->fragment_protocol == reading->fragment_protocol);
}

static void require_packet(const struct packet *packet, const struct reading *reading)
{
	require_ends(packet, reading);
	require_fragment(packet, reading);
	require(packet->hop_limit == reading->hop_limit);
	require(packet->tcp_flags == reading->flags);
	require(packet->transport == reading->transport);
	require(packet->payload == reading->payload);
}

static void check_quote(struct fuzz_skb *skb, struct packet *packet, const struct reading *reading, struct bytes frame)
{
	struct reading expected;
	struct packet quoted;
	int found = parse_quote(skb, packet, &quoted);

	require(found == read_quote(&expected, reading, frame));
	if (found)
		require_ends(&quoted, &expected);
}

int LLVMFuzzerTestOneInput(const __u8 *input, size_t size)
{
	const struct layout *layout = (const struct layout *)input;
	struct packet packet = {};
	struct fuzz_skb skb = {};
	struct reading reading;
	struct bytes frame;
	int shape;

	if (size < sizeof(*layout) + ETH_HLEN)
		return 0;
	frame = (struct bytes){.at = input + sizeof(*layout), .length = size - sizeof(*layout)};
	skb.whole = frame.at;
	skb.len = frame.length;
	skb.gso_size = layout->flags & LAYOUT_SUPER ? 1448 : 0;
	set_linear(&skb, layout->linear < LAYOUT_LINEAR && layout->linear < skb.len ? layout->linear : skb.len);
	packet.direction = layout->flags & 1;

	shape = parse(&skb, &packet);
	reading = read_frame(frame, skb.gso_size);
	require(kind_of(shape) == reading.kind);
	if (shape == PACKET_IP || shape == PACKET_LATER_FRAGMENT)
		require_packet(&packet, &reading);
	if (shape == PACKET_IP && packet.icmp == ICMP_ERROR)
		check_quote(&skb, &packet, &reading, frame);
	free_linear(&skb);
	return 0;
}
