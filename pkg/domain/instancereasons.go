package domain

// The reasons of instances and their models. The comment names the arguments, if any.
const (
	ReasonEndpoint     Reason = "no remote"                    //
	ReasonNetworkSize  Reason = "network too large or small"   // shortest and longest prefix
	ReasonFamily       Reason = "of the other IP version"      // 4 or 6, which it has to be
	ReasonPoolOrder    Reason = "pool ends before it begins"   //
	ReasonPortTaken    Reason = "port of another instance"     // that instance
	ReasonKeepalive    Reason = "timeout below twice interval" //
	ReasonNoIPv6       Reason = "tunnel without IPv6"          //
	ReasonUnsupported  Reason = "not supported"                //
	ReasonOutsideSites Reason = "network without its sites"    // the address, its site
	ReasonPoolOfSites  Reason = "address of a site in pool"    // the address, its site
	ReasonHasSites     Reason = "instance has sites"           //
	ReasonTemplate     Reason = "model does not render"        // line, column, what is wrong
	ReasonTemplateOf   Reason = "model fails an instance"      // the instance, line, column, what is wrong
	ReasonDirective    Reason = "directive refused"            // line, column, directive, why
	ReasonRenewEarly   Reason = "no later end"                 // when it ends
)

func instanceReasons() []Reason {
	return []Reason{
		ReasonEndpoint, ReasonNetworkSize, ReasonFamily, ReasonPoolOrder, ReasonPortTaken, ReasonKeepalive,
		ReasonNoIPv6, ReasonUnsupported, ReasonOutsideSites, ReasonPoolOfSites, ReasonHasSites, ReasonTemplate,
		ReasonTemplateOf, ReasonDirective, ReasonRenewEarly,
	}
}
