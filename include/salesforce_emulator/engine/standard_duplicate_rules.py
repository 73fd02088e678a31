"""The duplicate rules that a new org comes with, as far as exact matching goes.

They allow and alert; since Summer '17 Leads are also matched against Contacts and the other way round, and the Account
rule is on [salesforce-facts.md §14]. Names as orgs show them. Salesforce's own matching is fuzzy; here first name, last
name and e-mail or phone must agree, and an Account's name and city or phone.
"""

from __future__ import annotations

from include.salesforce_emulator.engine.org_setup import DuplicateRuleSetup, MatchingRule

_PERSON = ("FirstName", "LastName")
_LEAD, _CONTACT = "Standard_Lead_Match_Rule_v1_0", "Standard_Contact_Match_Rule_v1_1"
_ACCOUNT = "Standard_Account_Match_Rule_v1_0"


def _matching(name: str, sobject: str, *keys: tuple[str, ...]) -> tuple[MatchingRule, ...]:
    return tuple(
        MatchingRule(name=name, sobject=sobject, fields={item: item for item in key}) for key in keys
    )


def _people(name: str, sobject: str) -> tuple[MatchingRule, ...]:
    return _matching(name, sobject, (*_PERSON, "Email"), (*_PERSON, "Phone"))


STANDARD_DUPLICATE_RULES = (
    DuplicateRuleSetup(
        name="Standard_Account_Duplicate_Rule",
        sobject="Account",
        matching_rules=_matching(_ACCOUNT, "Account", ("Name", "BillingCity"), ("Name", "Phone")),
    ),
    DuplicateRuleSetup(
        name="Standard_Contact_Duplicate_Rule",
        sobject="Contact",
        matching_rules=_people(_CONTACT, "Contact"),
    ),
    DuplicateRuleSetup(
        name="Standard_Rule_for_Contacts_with_Duplicate_Leads",
        sobject="Contact",
        matching_rules=_people(_LEAD, "Lead"),
    ),
    DuplicateRuleSetup(
        name="Standard_Lead_Duplicate_Rule",
        sobject="Lead",
        matching_rules=_people(_LEAD, "Lead"),
    ),
    DuplicateRuleSetup(
        name="Standard_Rule_for_Leads_with_Duplicate_Contacts",
        sobject="Lead",
        matching_rules=_people(_CONTACT, "Contact"),
    ),
)
