"""The hosts that Postwhite 3.4 asked for by itself, and the default provider that covers each."""

from collections.abc import Mapping
from typing import Final

NOBODY: Final = "nobody"
"""Stands for the provider of a host that no default provider covers."""

NOTHING: Final = "nothing"
"""And of one that lists nothing: there is no SPF record, or it decides by the client alone."""

_HOSTS: Final = f"""
amazon amazon.com; amazonses amazonses.com; automattic tumblr.com; craigslist craigslist.org;
constantcontact constantcontact.com; ebay ebay.com; fastmail fastmail.com; github github.com;
exacttarget cust-spf.exacttarget.com exacttarget.com; gmx gmx.com; google google.com;
facebook facebook.com facebookmail.com instagram.com; icloud icloud.com; linkedin linkedin.com;
mail-com mail.com; mailchimp mailchimp.com; mailgun mailgun.com; mailjet mailjet.com;
messagelabs messagelabs.com; microsoft hotmail.com microsoft.com outlook.com; paypal paypal.com;
sendgrid sendgrid.com sendgrid.net; x twitter.com; yahoo aol.com; zendesk zendesk.com;
zoho zoho.com; {NOTHING} inbox.com sparkpost.com sparkpostmail.com;
{NOBODY} authsmtp.com fbmta.com fishbowl.com icontact.com messagegears.net pinterest.com reddit.com
secure-mailgate.com
"""

HOSTS: Final[Mapping[str, str]] = {
    host: name for name, *hosts in map(str.split, _HOSTS.split(";")) for host in hosts
}
"""The default provider of each host. Yahoo, which Postwhite read from a file, is not among them."""
