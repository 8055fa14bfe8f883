/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What an skb will be on a wire: a super-packet (GSO, GRO) stands for many packets. */
#ifndef SALLYPORT_WIRE_H
#define SALLYPORT_WIRE_H

#include "packet.h"

struct wire {
	__u32 packets;
	/* Ethernet header of each packet included. */
	__u32 bytes;
};

/* Counted from gso_size, since whoever injects a super-packet need not say into how many it falls (SKB_GSO_DODGY). */
static __always_inline struct wire wire_of(const struct __sk_buff *skb, const struct packet *packet)
{
	__u32 size = skb->gso_size, headers = packet->payload, length = skb->len;
	struct wire wire = {.packets = 1, .bytes = length};

	if (!size || length <= headers)
		return wire;
	wire.packets = (length - headers + size - 1) / size;
	wire.bytes += (wire.packets - 1) * headers;
	return wire;
}

#endif
