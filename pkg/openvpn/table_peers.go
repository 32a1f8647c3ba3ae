package openvpn

// serverRules are about a server of many clients, and about what it does for each of them.
var serverRules = map[string]rule{
	"server":        {2, 3, mo, ReasonOwned, 0},
	"server-ipv6":   {1, 1, mo, ReasonOwned, 0},
	"server-bridge": {0, 4, mo, ReasonOwned, 0},
	"tls-server":    {0, 0, mo, ReasonOwned, 0},

	"ifconfig-pool":            {2, 3, mo, ReasonOwned, 0},
	"ifconfig-pool-linear":     {0, 0, 0, ReasonRemoved, gone},
	"ifconfig-pool-persist":    {1, 2, 0, ReasonFiles, 0},
	"ifconfig-ipv6-pool":       {1, 1, mo, ReasonOwned, 0},
	"ifconfig-push-constraint": {2, 2, sv, "", 0},
	"client-config-dir":        {1, 1, mo, ReasonOwned, 0},
	"ccd-exclusive":            {0, 0, mo, ReasonOwned, 0},

	"push":               {1, 1, sv | cc, "", 0},
	"push-reset":         {0, 0, cc, "", 0},
	"push-remove":        {1, 1, cc, "", 0},
	"ifconfig-push":      {2, 3, cc, "", 0},
	"ifconfig-ipv6-push": {1, 2, cc, "", 0},
	"iroute":             {1, 2, cc, "", 0},
	"iroute-ipv6":        {1, 1, cc, "", 0},
	"disable":            {0, 0, cc, "", 0},
	"override-username":  {1, 1, 0, ReasonWeakens, from27}, // another name than the certificate's
	"vlan-tagging":       {0, 0, mo, "", 0},
	"vlan-accept":        {1, 1, mo, "", 0},
	"vlan-pvid":          {1, 1, mo | cc, "", 0},

	"client-to-client":      {0, 0, sv, "", 0},
	"max-clients":           {1, 1, sv, "", 0},
	"max-routes-per-client": {1, 1, sv | cc, "", 0},
	"hash-size":             {2, 2, sv, "", 0},
	"connect-freq":          {2, 2, sv, "", 0},
	"connect-freq-initial":  {2, 2, sv, "", 0},
	"bcast-buffers":         {1, 1, sv, "", 0},
	"tcp-queue-limit":       {1, 1, sv, "", 0},
	"tcp-nodelay":           {0, 0, sv, "", 0},
	"stale-routes-check":    {1, 2, sv, "", 0},
	"port-share":            {2, 3, 0, ReasonFiles, 0},

	"verify-client-cert":       {0, 1, sv, "", 0},
	"client-cert-not-required": {0, 0, 0, ReasonWeakens, gone},
	"duplicate-cn":             {0, 0, 0, ReasonWeakens, 0}, // one certificate, two peers
	"username-as-common-name":  {0, 0, 0, ReasonWeakens, 0}, // another name than the certificate's
	"auth-user-pass-optional":  {0, 0, 0, ReasonWeakens, 0},
	"auth-gen-token":           {0, many, sv, "", 0},
	"auth-gen-token-secret":    {1, 1, sv, ReasonFiles, block | blockOnly},
	"opt-verify":               {0, 0, 0, ReasonRemoved, 0},
}

// clientRules are about a client, and what it shares with its server.
var clientRules = map[string]rule{
	"client":                 {0, 0, 0, ReasonOwned, 0},
	"pull":                   {0, 0, 0, ReasonOwned, 0},
	"tls-client":             {0, 0, 0, ReasonOwned, 0},
	"remote":                 {1, 3, 0, ReasonOwned, 0},
	"connection":             {1, 2, 0, ReasonOwned, block},
	"remote-random":          {0, 0, cl, "", 0},
	"remote-random-hostname": {0, 0, cl, "", 0},
	"resolv-retry":           {1, 1, cl, "", 0},
	"preresolve":             {0, 1, cl, "", 0},
	"ip-remote-hint":         {0, 1, cl, "", 0},
	"connect-retry":          {1, 2, cl, "", 0},
	"connect-retry-max":      {1, 1, cl, "", 0},
	"connect-timeout":        {1, 1, cl, "", 0},
	"server-poll-timeout":    {1, 1, cl, "", 0},
	"pull-filter":            {2, 2, cl, "", 0},
	"push-peer-info":         {0, 0, cl, "", 0},

	"auth-user-pass":   {0, 1, cl, "", block},
	"auth-retry":       {1, 1, cl, "", 0},
	"auth-nocache":     {0, 0, sv | cl, "", 0},
	"static-challenge": {2, 3, cl, "", more27},

	"http-proxy":           {2, 4, cl, "", 0},
	"http-proxy-option":    {1, 3, cl, "", 0},
	"http-proxy-override":  {2, 3, 0, ReasonOwned, 0},
	"http-proxy-retry":     {0, many, cl, "", 0},
	"http-proxy-timeout":   {1, 1, cl, "", 0},
	"http-proxy-user-pass": {1, many, cl, ReasonFiles, block | blockOnly},
	"socks-proxy":          {1, 3, cl, "", 0},
	"socks-proxy-retry":    {0, many, cl, "", 0},

	"push-continuation": {1, 1, 0, ReasonInternal, 0},
	"auth-token":        {1, 1, 0, ReasonInternal, 0},
	"auth-token-user":   {1, 1, 0, ReasonInternal, 0},
	"peer-id":           {1, 1, 0, ReasonInternal, 0},
	"key-derivation":    {1, many, 0, ReasonInternal, 0},
	"protocol-flags":    {1, many, 0, ReasonInternal, 0},
}
