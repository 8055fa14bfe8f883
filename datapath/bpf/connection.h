/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What is known of a flow: its key, and the word that is its state (S-30 to S-41). */
#ifndef SALLYPORT_CONNECTION_H
#define SALLYPORT_CONNECTION_H

#include "endpoint.h"
#include "maps.h"
#include "packet.h"

#define CAS_TRIES 4

static __always_inline __u64 word_of(__u32 seen, __u8 state, __u8 flags, __u16 generation)
{
	return (__u64)generation << 48 | (__u64)flags << 40 | (__u64)state << 32 | seen;
}

static __always_inline __u32 word_seen(__u64 word)
{
	return (__u32)word;
}

static __always_inline __u8 word_state(__u64 word)
{
	return word >> 32;
}

static __always_inline __u8 word_flags(__u64 word)
{
	return word >> 40;
}

static __always_inline __u16 word_generation(__u64 word)
{
	return word >> 48;
}

static __always_inline __u64 read_word(const __u64 *at)
{
	return *(const volatile __u64 *)at;
}

static __always_inline bool swap_word(__u64 *at, __u64 from, __u64 to)
{
	return __sync_val_compare_and_swap(at, from, to) == from;
}

/* Signed: another CPU may have written a tick that this one has not read yet. */
static __always_inline bool is_live(const struct endpoint *endpoint, __u64 word, __u32 now)
{
	__u8 state = word_state(word);

	return state != STATE_CLAIMED &&
	       (__s32)(now - word_seen(word)) < (__s32)endpoint->timeouts[state & (STATES - 1)];
}

/* Whether packets of this kind can have an entry (S-31a). */
static __always_inline bool is_trackable(const struct packet *packet)
{
	return !is_icmp(packet) || packet->icmp == ICMP_ECHO_REQUEST || packet->icmp == ICMP_ECHO_REPLY;
}

static __always_inline void connection_key_of(struct connection_key *key, const struct endpoint *endpoint,
					      const struct packet *packet, __u16 serial)
{
	bool remote_request = (packet->icmp == ICMP_ECHO_REQUEST && packet->direction == DIRECTION_INGRESS) ||
			      (packet->icmp == ICMP_ECHO_REPLY && packet->direction == DIRECTION_EGRESS);

	__builtin_memcpy(key->remote, packet->remote, sizeof(key->remote));
	key->endpoint = endpoint->id;
	key->local_port = packet->local_port;
	key->remote_port = packet->remote_port;
	key->serial = serial;
	key->protocol = packet->protocol;
	key->kind = (packet->family == FAMILY_IPV6 ? KIND_IPV6 : 0) | (remote_request ? KIND_REMOTE_REQUEST : 0);
}

static __always_inline __u8 fin_flag(const struct packet *packet)
{
	if (packet->protocol != IPPROTO_TCP || !(packet->tcp_flags & TCP_FIN))
		return 0;
	return packet->direction == DIRECTION_EGRESS ? CONNECTION_FIN_EGRESS : CONNECTION_FIN_INGRESS;
}

static __always_inline __u64 first_word(const struct packet *packet, __u16 generation, __u32 now)
{
	__u8 flags = packet->direction == DIRECTION_EGRESS ? CONNECTION_ORIGIN_EGRESS : 0;
	__u8 state;

	if (packet->protocol == IPPROTO_TCP) {
		state = STATE_OPENING;
		if (!is_plain_syn(packet))
			flags |= CONNECTION_MIDSTREAM | fin_flag(packet);
	} else if (packet->protocol == IPPROTO_UDP) {
		state = STATE_DATAGRAM;
	} else if (is_icmp(packet)) {
		state = STATE_ECHO;
	} else {
		state = STATE_GENERIC;
	}
	return word_of(now, state, flags, generation);
}

/* S-39, S-40: the state a TCP entry has after a packet that passes by it. */
static __always_inline __u8 next_tcp_state(const struct packet *packet, __u8 state, __u8 *flags)
{
	const __u8 both = CONNECTION_FIN_INGRESS | CONNECTION_FIN_EGRESS;
	bool from_origin = (packet->direction == DIRECTION_EGRESS) == !!(*flags & CONNECTION_ORIGIN_EGRESS);

	if (packet->tcp_flags & TCP_RST)
		return STATE_CLOSING;
	*flags |= fin_flag(packet);
	if (state == STATE_OPENING) {
		if (*flags & CONNECTION_MIDSTREAM) {
			if (!from_origin && !is_plain_syn(packet))
				state = STATE_ESTABLISHED;
		} else if (!from_origin && (packet->tcp_flags & (TCP_SYN | TCP_ACK)) == (TCP_SYN | TCP_ACK)) {
			*flags |= CONNECTION_SYN_ACK;
		} else if (from_origin && !(packet->tcp_flags & TCP_SYN) && *flags & CONNECTION_SYN_ACK) {
			state = STATE_ESTABLISHED;
		}
	}
	return (*flags & both) == both ? STATE_CLOSING : state;
}

/* S-36: request, response, request. */
static __always_inline __u8 next_udp_state(const struct packet *packet, __u8 state, __u8 *flags)
{
	bool from_origin = (packet->direction == DIRECTION_EGRESS) == !!(*flags & CONNECTION_ORIGIN_EGRESS);

	if (!from_origin)
		*flags |= CONNECTION_RESPONDED;
	else if (*flags & CONNECTION_RESPONDED)
		return STATE_STREAM;
	return state;
}

static __always_inline __u64 next_word(const struct packet *packet, __u64 word, __u32 now)
{
	__u8 state = word_state(word), flags = word_flags(word);
	__u32 seen = word_seen(word);

	if (packet->protocol == IPPROTO_TCP)
		state = next_tcp_state(packet, state, &flags);
	else if (packet->protocol == IPPROTO_UDP)
		state = next_udp_state(packet, state, &flags);
	if ((__s32)(now - seen) > 0)
		seen = now;
	return word_of(seen, state, flags, word_generation(word));
}

/* Moves an entry on by a packet that passes by it. A word that changed hands meanwhile is left alone. */
static __always_inline void touch(__u64 *at, const struct packet *packet, __u64 word, __u32 now)
{
	__u64 next;
	int i;

	for (i = 0; i < CAS_TRIES; i++) {
		next = next_word(packet, word, now);
		if (next == word || swap_word(at, word, next))
			return;
		next = read_word(at);
		if (word_generation(next) != word_generation(word) || word_state(next) == STATE_CLAIMED)
			return;
		word = next;
	}
}

/* Refreshes a flow by a packet that has no part in its states. False: it lives no more. */
static __always_inline bool refresh(const struct endpoint *endpoint, __u64 *at, __u64 word, __u32 now)
{
	int i;

	if (!is_live(endpoint, word, now))
		return false;
	for (i = 0; i < CAS_TRIES && (__s32)(now - word_seen(word)) > 0; i++) {
		if (swap_word(at, word, word_of(now, word_state(word), word_flags(word), word_generation(word))))
			break;
		word = read_word(at);
		if (!is_live(endpoint, word, now))
			break;
	}
	return true;
}

#endif
