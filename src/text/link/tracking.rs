//! Parameters that say how a reader came, not what is shown. A table, each group with the place where it is documented;
//! looked at last in November 2026.
//!
//! Never listed are names that elsewhere choose the content (`id`, `p`, `v`, `q`, `page`, `lang`, `tag`): dropping one
//! makes two people one. Such names count only with a value ([`ORIGINS`]) or at a host ([`HOSTS`]) that makes it sure.

use std::sync::LazyLock;

/// Names in lower case, by who appends them.
const TABLE: [(&str, &[&str]); 30] = [
    (
        "Google Analytics and Ads (support.google.com/analytics/answer/10917952, support.google.com/google-ads/answer/9744275)",
        &[
            "_ga",
            "_gl",
            "dclid",
            "gad_campaignid",
            "gad_source",
            "gbraid",
            "gclid",
            "gclsrc",
            "gs_l",
            "srsltid",
            "wbraid",
        ],
    ),
    (
        "Meta (developers.facebook.com/docs/marketing-api/conversions-api/parameters/fbp-and-fbc; links shared from its apps)",
        &[
            "fb_action_ids",
            "fb_action_types",
            "fb_ref",
            "fb_source",
            "fbclid",
            "fbadid",
            "igsh",
            "igshid",
            "ig_rid",
            "mibextid",
        ],
    ),
    ("Microsoft Advertising (help.ads.microsoft.com, auto-tagging of the click id)", &["msclkid"]),
    ("X (business.x.com/en/help, click id; share buttons)", &["twclid", "__twitter_impression", "ref_src", "ref_url"]),
    ("TikTok (ads.tiktok.com/help, TikTok click id)", &["ttclid", "tt_medium", "tt_content"]),
    ("LinkedIn (linkedin.com/help/lms, first-party ad tracking)", &["li_fat_id", "li_ed", "trk", "trkinfo"]),
    ("Pinterest, Snapchat and Reddit (conversion docs of each)", &["epik", "sccid", "scclid", "rdt_cid", "rdt-cid"]),
    (
        "Yandex (yandex.com/support/direct, yclid; yandex.com/support/metrica, openstat)",
        &["yclid", "ysclid", "ymclid", "_openstat"],
    ),
    ("VK (ads.vk.com/help)", &["rb_clickid", "vk_ref"]),
    ("Mailchimp (mailchimp.com/help, tracking in campaigns)", &["mc_cid", "mc_eid", "mc_tc"]),
    (
        "HubSpot (knowledge.hubspot.com, tracking parameters)",
        &["_hsenc", "_hsmi", "__hsfp", "__hssc", "__hstc", "hsctatracking", "hsa_cam"],
    ),
    ("Adobe Marketo and Campaign (experienceleague.adobe.com)", &["mkt_tok", "s_cid", "s_kwcid", "ef_id", "sc_cmp"]),
    ("Klaviyo, Drip and Omnisend (help centres of each)", &["_ke", "_kx", "__s", "omnisendcontactid"]),
    (
        "Vero, MailerLite and ActiveCampaign (help centres of each)",
        &["vero_conv", "vero_id", "ml_subscriber", "ml_subscriber_hash", "vgo_ee"],
    ),
    (
        "Oracle Eloqua and Bronto (docs.oracle.com)",
        &["elqtrack", "elqtrackid", "elqaid", "elqat", "_bta_c", "_bta_tid"],
    ),
    (
        "Dotdigital (support.dotdigital.com) and Salesforce Marketing Cloud (help.salesforce.com)",
        &["dm_i", "et_rid", "et_cid", "sfmc_id", "sfmc_sub"],
    ),
    ("Omeda (main.omeda.com/knowledge-base)", &["oly_anon_id", "oly_enc_id"]),
    ("Sailthru and Cordial (getstarted.sailthru.com)", &["spmailingid", "spuserid", "spjobid", "spreportid"]),
    (
        "Beehiiv, Substack, Ghost and Convertkit (links in their mails)",
        &["_bhlid", "ck_subscriber_id", "isfreemail", "ghost_source"],
    ),
    (
        "Matomo and Piwik PRO (matomo.org/faq/how-to/create-tracking-urls)",
        &[
            "pk_campaign",
            "pk_content",
            "pk_cid",
            "pk_keyword",
            "pk_kwd",
            "pk_medium",
            "pk_source",
            "piwik_campaign",
            "piwik_kwd",
        ],
    ),
    (
        "AT Internet (developers.atinternet-solutions.com)",
        &[
            "at_campaign",
            "at_creation",
            "at_custom1",
            "at_custom2",
            "at_custom3",
            "at_custom4",
            "at_format",
            "at_link_id",
            "at_link_origin",
            "at_link_type",
            "at_medium",
            "at_ptr_name",
            "at_bbc_team",
            "at_xt",
            "xtor",
        ],
    ),
    (
        "Comscore and Webtrends (docs of each)",
        &["ns_campaign", "ns_fee", "ns_linkname", "ns_mchannel", "ns_source", "wt_mc", "wt.mc_id"],
    ),
    (
        "Impact, Wicked Reports, Branch (docs of each)",
        &["irclickid", "irgwc", "wickedid", "_branch_match_id", "_branch_referrer"],
    ),
    (
        "Affiliate networks (awin, Partnerize, Admitad, CJ: docs of each)",
        &["awc", "cjevent", "cjdata", "admitad_uid", "clickref", "ranmid", "raneaid", "ransiteid"],
    ),
    (
        "eBay Partner Network (partnernetwork.ebay.com, tracking links)",
        &["mkcid", "mkevt", "mkrid", "campid", "toolid"],
    ),
    ("Alibaba's spm and scm (open.alibaba.com)", &["spm", "scm"]),
    (
        "News sites, as their feeds and share buttons append them",
        &[
            "campaign_id",
            "cmpid",
            "cndid",
            "esrc",
            "ftag",
            "guccounter",
            "guce_referrer",
            "guce_referrer_sig",
            "icid",
            "ito",
            "linkid",
            "mbid",
            "ncid",
            "cmp_id",
            "ocid",
            "smid",
            "smtyp",
            "sref",
            "taid",
            "wpisrc",
            "xtref",
            "tpcc",
            "ref_cta",
            "sharetoken",
            "shareadraw",
            "traffic_source",
            "mod_source",
            "intcid",
            "intcmp",
            "wprov",
            "share_id",
            "redircnt",
            "soc_src",
            "soc_trk",
            "ssm",
            "ncclick_check",
        ],
    ),
    (
        "AMP (amp.dev/documentation, URLs and serving)",
        &["outputtype", "amp_js_v", "amp_gsa", "usqp", "amp_latest_update_time"],
    ),
    (
        "Session ids of servers (PHP, Java servlets, ColdFusion, ASP.NET: their manuals)",
        &["phpsessid", "jsessionid", "cfid", "cftoken", "aspsessionid", "zenid", "osclicd"],
    ),
    ("YouTube's share button", &["feature"]),
];

/// Beginnings of names that are tracking whatever follows: UTM (Google Analytics), HubSpot ads, Matomo, affiliate and
/// STM tags, Marin, X cards.
const PREFIXES: [&str; 10] = ["utm_", "hsa_", "mtm_", "matomo_", "aff_", "stm_", "mrn_", "ga_", "amp;utm_", "oft_"];

/// Parameters that are tracking only with a value that says where the reader came from.
const ORIGINS: [&str; 9] = ["ref", "source", "src", "from", "via", "partner", "cid", "mod", "referrer"];
const ORIGIN_VALUES: [&str; 22] = [
    "rss",
    "feed",
    "feeds",
    "atom",
    "rssfeed",
    "twitter",
    "facebook",
    "linkedin",
    "instagram",
    "whatsapp",
    "telegram",
    "reddit",
    "newsletter",
    "email",
    "mail",
    "googlenews",
    "google-news",
    "google_news",
    "bing",
    "share",
    "social",
    "applenews",
];

/// Parameters that are tracking at one site (and below it) only.
const HOSTS: [(&str, &[&str]); 16] = [
    ("x.com", &["s", "t", "cxt", "ref", "lang"]),
    ("youtube.com", &["si", "pp", "ab_channel", "app", "t", "list", "index", "start_radio"]),
    (
        "facebook.com",
        &[
            "__tn__",
            "__cft__[0]",
            "__xts__[0]",
            "refid",
            "_rdr",
            "_rdc",
            "paipv",
            "eav",
            "ref",
            "rdid",
            "share_url",
            "wtsid",
            "locale",
        ],
    ),
    ("instagram.com", &["hl", "img_index", "ig_mid"]),
    (
        "tiktok.com",
        &[
            "_r",
            "_t",
            "_d",
            "is_from_webapp",
            "is_copy_url",
            "sender_device",
            "sender_web_id",
            "share_app_id",
            "share_link_id",
            "u_code",
            "lang",
        ],
    ),
    ("reddit.com", &["share_id", "rdt", "context", "st", "sh", "depth", "sort"]),
    ("linkedin.com", &["originalsubdomain", "rcm", "midtoken", "midsig", "lipi"]),
    ("threads.net", &["xmt", "slof"]),
    ("threads.com", &["xmt", "slof"]),
    ("news.google.com", &["oc", "hl", "gl", "ceid", "ucbcb"]),
    ("msn.com", &["cvid", "ei", "pc", "ved"]),
    (
        "amazon.",
        &[
            "ref_",
            "psc",
            "pd_rd_i",
            "pd_rd_r",
            "pd_rd_w",
            "pd_rd_wg",
            "pf_rd_p",
            "pf_rd_r",
            "qid",
            "sr",
            "crid",
            "sprefix",
            "dib",
            "dib_tag",
            "tag",
            "ascsubtag",
            "linkcode",
            "camp",
            "creative",
            "content-id",
            "ie",
        ],
    ),
    ("spotify.com", &["si", "context", "dl_branch"]),
    ("medium.com", &["sk", "source"]),
    ("trustpilot.com", &["stars", "languages", "sort"]),
    (
        "nytimes.com",
        &[
            "unlocked_article_code",
            "searchresultposition",
            "action",
            "module",
            "pgtype",
            "emc",
            "partner",
            "rref",
            "instance_id",
            "segment_id",
            "regi_id",
        ],
    ),
];

static NAMES: LazyLock<Vec<&str>> = LazyLock::new(|| {
    let mut names: Vec<&str> = TABLE.iter().flat_map(|(_, names)| names.iter().copied()).collect();
    names.sort_unstable();
    names
});

/// Whether a parameter (name in lower case) of a link at `host` (without `www.` and its like) says nothing about what
/// is shown.
pub(super) fn is_tracking(host: &str, name: &str, value: &str) -> bool {
    NAMES.binary_search(&name).is_ok()
        || PREFIXES.iter().any(|p| name.starts_with(p))
        || (ORIGINS.contains(&name) && ORIGIN_VALUES.contains(&value.to_ascii_lowercase().as_str()))
        || (name == "amp" && matches!(value, "" | "1" | "true"))
        // A short one is a section, a story or a talk; a long one is somebody's session.
        || (matches!(name, "sid" | "sessionid" | "session_id") && value.len() >= 16)
        || (name.starts_with("aspsessionid") && name.len() > 12)
        || HOSTS.iter().any(|(at, names)| names.contains(&name) && super::redirector::is_at(host, at))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn names_are_lower_case_listed_once_and_have_a_source() {
        let mut seen = HashSet::new();
        for (source, names) in TABLE {
            assert!(source.len() > 10 && !names.is_empty());
            for name in names {
                assert!(seen.insert(*name), "{name} is listed twice");
                assert_eq!(*name, name.to_ascii_lowercase());
            }
        }
        for never in ["id", "p", "v", "q", "page", "lang", "tag", "ref", "source", "article", "story", "item", "t", "s"]
        {
            assert!(!seen.contains(never), "{never} chooses the content somewhere");
        }
        for (_, names) in HOSTS {
            assert!(names.iter().all(|n| *n == n.to_ascii_lowercase()));
        }
    }
}
