/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Which endpoint an interface is, and which of its addresses a packet bears. */
#ifndef SALLYPORT_ENDPOINT_H
#define SALLYPORT_ENDPOINT_H

#include "maps.h"
#include "packet.h"

/* Size of `endpoints` minus one; a power of two minus one. */
const volatile __u32 endpoint_mask = 0xffff;

static __always_inline struct endpoint *find_endpoint(__u32 ifindex)
{
	struct endpoint *endpoint;
	__u32 index;
	int probe;

	for (probe = 0; probe < ENDPOINT_PROBES; probe++) {
		index = (ifindex + probe) & endpoint_mask;
		endpoint = bpf_map_lookup_elem(&endpoints, &index);
		if (endpoint && endpoint->ifindex == ifindex)
			return endpoint;
	}
	return NULL;
}

static __always_inline struct endpoint *endpoint_of_id(__u32 id)
{
	__u32 index = id & 0xffff;
	struct endpoint *endpoint = bpf_map_lookup_elem(&endpoints, &index);

	return endpoint && endpoint->id == id ? endpoint : NULL;
}

static __always_inline __u16 policy_rules(__u64 policy)
{
	return policy & 0xffff;
}

static __always_inline __u16 policy_acl(__u64 policy)
{
	return policy >> 16 & 0xffff;
}

static __always_inline __u32 policy_flags(__u64 policy)
{
	return policy >> 32 & 0xffff;
}

/* The serial of a local address; 0: it is not the endpoint's (S-22). */
static __always_inline __u16 address_serial(const struct endpoint *endpoint, __u8 family, const __be32 address[4])
{
	int i;

	for (i = 0; i < ENDPOINT_ADDRESSES; i++) {
		if (family == FAMILY_IPV6) {
			if (endpoint->ipv6_serial[i] && same_address(endpoint->ipv6[i], address))
				return endpoint->ipv6_serial[i];
		} else if (endpoint->ipv4_serial[i] && endpoint->ipv4[i] == address[0]) {
			return endpoint->ipv4_serial[i];
		}
	}
	return 0;
}

#endif
