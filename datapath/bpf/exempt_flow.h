/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Flows that the node itself began, and the replies to them (S-20), in a table of their own. */
#ifndef SALLYPORT_EXEMPT_FLOW_H
#define SALLYPORT_EXEMPT_FLOW_H

#include "bucket.h"
#include "connection.h"
#include "maps.h"
#include "packet.h"

/* Whether a packet of the node's begins a flow whose replies are exempt. */
static __always_inline bool begins_exempt_flow(const struct packet *packet)
{
	if (packet->protocol == IPPROTO_TCP)
		return is_plain_syn(packet);
	return !is_icmp(packet) || packet->icmp == ICMP_ECHO_REQUEST;
}

enum exemption {
	NOT_EXEMPT,
	EXEMPT,
	/* By an entry in `exemptions`. */
	EXEMPT_FLOW,
};

/* Bits of `origin` below. */
#define FROM_NODE 1
/* At the pod's side, where nothing shows what comes from the node itself. */
#define ORIGIN_UNKNOWN 2

/*
 * Takes a packet between the pod and its node for one of a flow that the node began, or lets it begin one. What the
 * node only forwards is filtered like any other, whosever ports and address it bears. Returns enum exemption.
 *
 * A function of its own, like begin_flow, so that the verifier follows it once and not from each state before it.
 */
__noinline int exempt_flow(struct packet *packet, struct connection_key *asked, __u32 now, __u32 origin)
{
	struct connection_key copy, *key = &copy;
	struct exempt_entry fresh, *exemption = NULL;
	struct endpoint *endpoint;
	struct config *config;
	__u32 zero = 0;
	bool reopens;
	__u64 word;

	if (!packet || !asked)
		return NOT_EXEMPT;
	/* The verifier of 6.1 takes a key for a map only from this function's own stack. */
	copy = *asked;
	if (packet->direction == DIRECTION_INGRESS && !origin)
		return NOT_EXEMPT;
	config = bpf_map_lookup_elem(&configuration, &zero);
	endpoint = endpoint_of_id(key->endpoint);
	if (!config || !endpoint)
		return NOT_EXEMPT;
	if (is_trackable(packet))
		exemption = bpf_map_lookup_elem(&exemptions, key);
	if (exemption) {
		word = read_word(&exemption->word);
		/* A new SYN of the node begins anew; the pod's is judged by the rules (S-39). */
		reopens = word_state(word) == STATE_CLOSING && is_tcp_syn(packet);
		if (reopens && origin & FROM_NODE) {
			swap_word(&exemption->word, word, first_word(packet, word_generation(word), now));
			return EXEMPT_FLOW;
		}
		if (!reopens && is_live(endpoint, word, now)) {
			touch(&exemption->word, packet, word, now);
			return EXEMPT_FLOW;
		}
	}
	if (!(origin & FROM_NODE))
		return NOT_EXEMPT;
	if (begins_exempt_flow(packet)) {
		fresh.word = first_word(packet, generation_of(hash_of(config, key)), now);
		bpf_map_update_elem(&exemptions, key, &fresh, BPF_ANY);
		return EXEMPT_FLOW;
	}
	return packet->protocol == IPPROTO_TCP ? NOT_EXEMPT : EXEMPT;
}

#endif
