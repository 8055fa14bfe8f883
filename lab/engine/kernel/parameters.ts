/** Milliseconds: a listener report is sent when an address is set, and then no more. */
const never = 2_147_483_647;

/** Kernel parameters of every namespace: addresses serve at once, and nothing is sent unasked. */
export const stackParameters: Readonly<Record<string, number>> = {
  "ipv4/conf/all/accept_redirects": 0,
  "ipv4/conf/all/rp_filter": 0,
  "ipv4/conf/default/rp_filter": 0,
  "ipv6/conf/all/accept_redirects": 0,
  "ipv6/conf/default/accept_redirects": 0,
  "ipv6/conf/default/accept_ra": 0,
  "ipv6/conf/default/accept_dad": 0,
  "ipv6/conf/default/router_solicitations": 0,
  // No link-local address but the one that is given.
  "ipv6/conf/default/addr_gen_mode": 1,
  "ipv6/conf/default/force_mld_version": 1,
  "ipv6/conf/default/mldv1_unsolicited_report_interval": never,
  // Segments as short as the model's.
  "ipv4/tcp_timestamps": 0,
  // No probe for a lost last segment.
  "ipv4/tcp_early_retrans": 0,
  // A connection that is over answers nothing.
  "ipv4/tcp_max_tw_buckets": 0,
};

/** Also those of a router, whose sources may look like anything. */
export const nodeParameters: Readonly<Record<string, number>> = {
  ...stackParameters,
  "ipv4/ip_forward": 1,
  "ipv6/conf/all/forwarding": 1,
  "ipv4/conf/all/accept_local": 1,
  "ipv4/conf/all/send_redirects": 0,
  "ipv4/conf/default/send_redirects": 0,
};
