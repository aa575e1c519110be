extension FailurePage {
  /// Quiet paper, one colour for what is wrong. No font is fetched.
  static let style = """
    :root{color-scheme:light dark;--paper:#faf8f4;--card:#fff;--ink:#26231f;--soft:#6f685f;--line:#e7e1d8;\
    --wrong:#b23a24;--here:#fcebe5;--also:#fdf4ea;--mono:ui-monospace,SFMono-Regular,Menlo,Consolas,\
    "DejaVu Sans Mono",monospace}
    @media(prefers-color-scheme:dark){:root{--paper:#171614;--card:#1f1d1b;--ink:#ece6dd;--soft:#a0978b;--line:#34302c;\
    --wrong:#f28b70;--here:#41251c;--also:#322a1f}}
    *{box-sizing:border-box}
    body{margin:0;background:var(--paper);color:var(--ink);font:1rem/1.55 system-ui,-apple-system,"Segoe UI",Roboto,\
    "Noto Sans","DejaVu Sans",sans-serif;-webkit-text-size-adjust:100%}
    main{max-width:58rem;margin:0 auto;padding:3.5rem 1.5rem 3rem}
    code,pre,.path{font-family:var(--mono);font-size:.86rem}
    .kicker{display:flex;justify-content:space-between;gap:1rem;margin:0 0 .75rem;color:var(--soft);font-size:.9rem}
    .kicker span{overflow-wrap:anywhere}
    .kicker span::before{content:"";display:inline-block;width:.6rem;height:.6rem;margin-right:.55rem;\
    border-radius:50%;background:var(--wrong)}
    time{font-variant-numeric:tabular-nums;white-space:nowrap}
    h1{margin:0 0 1rem;font-size:1.6rem;line-height:1.35;font-weight:600;letter-spacing:-.01em;overflow-wrap:anywhere}
    h1.long{font-size:1.2rem}
    h2{margin:2.4rem 0 .7rem;font-size:.95rem;font-weight:600}
    p{margin:0 0 .6rem}
    .place{display:flex;flex-wrap:wrap;align-items:baseline;gap:.8rem;margin:0 0 1.4rem}
    .place .path{font-size:.95rem;color:var(--wrong);font-weight:600}
    .path{user-select:all;overflow-wrap:anywhere}
    .path>span{font-size:0;line-height:0}
    button{font:inherit;font-size:.82rem;color:var(--soft);background:none;border:1px solid var(--line);\
    border-radius:.4rem;padding:.1rem .6rem;cursor:pointer}
    button:hover,button:focus-visible{color:var(--ink);border-color:var(--soft)}
    pre{margin:.3rem 0 0;white-space:pre-wrap;overflow-wrap:anywhere;color:var(--soft)}
    .said{margin:0 0 1rem;max-height:16rem;overflow:auto}
    .further{list-style:none;margin:1.2rem 0 0;padding:0}
    .further li{padding:.3rem 0 .3rem .9rem;border-left:2px solid var(--line);overflow-wrap:anywhere}
    .further a,.further li>span:first-child{display:inline-block;min-width:4rem;margin-right:.5rem;color:var(--wrong);\
    text-decoration-thickness:1px;text-underline-offset:.2em;font-variant-numeric:tabular-nums}
    .source{overflow-x:auto;background:var(--card);border:1px solid var(--line);border-radius:.7rem;padding:.7rem 0}
    .source>div{display:table;min-width:100%}
    .source p{display:table-row;margin:0}
    .source span,.source code{display:table-cell;padding:.08rem 1rem .08rem 0;line-height:1.6;white-space:pre;tab-size:4}
    .source span{position:sticky;left:0;min-width:3.5rem;padding:.08rem .9rem .08rem 1.1rem;text-align:right;\
    color:var(--soft);background:var(--card);font-family:var(--mono);font-size:.86rem;user-select:none}
    .source code{width:100%}
    .source .here>*{background:var(--here)}
    .source .here span{color:var(--wrong);font-weight:700;box-shadow:inset 3px 0 var(--wrong)}
    .source .also>*{background:var(--also)}
    .source .also span{color:var(--wrong)}
    .source p:target span{text-decoration:underline}
    .source .gap{display:block;padding-left:1.6rem;color:var(--soft);line-height:1.4}
    .chain{list-style:none;margin:0;padding:0}
    .chain li{position:relative;display:flex;flex-wrap:wrap;gap:.1rem 1.2rem;align-items:baseline;\
    padding:.25rem 0 .25rem 1.3rem;overflow-wrap:anywhere}
    .chain li::before{content:"";position:absolute;left:.15rem;top:.78rem;width:.45rem;height:.45rem;border-radius:50%;\
    background:var(--line)}
    .chain li:not(:last-child)::after{content:"";position:absolute;left:.345rem;top:1rem;height:100%;\
    border-left:1px solid var(--line)}
    .chain li:last-child::before{background:var(--wrong)}
    .chain .path{min-width:16rem}
    .chain code{color:var(--soft);white-space:pre-wrap}
    footer{display:flex;flex-wrap:wrap;justify-content:space-between;align-items:baseline;gap:.3rem 1.5rem;\
    margin-top:2.6rem;padding-top:.9rem;border-top:1px solid var(--line);color:var(--soft);font-size:.85rem}
    footer p{margin:0}
    .live::before{content:"";display:inline-block;width:.5rem;height:.5rem;margin-right:.5rem;border-radius:50%;\
    background:#5b9a78}
    [hidden]{display:none}
    @media(max-width:40rem){main{padding:1.6rem 1rem 2rem}h1{font-size:1.3rem}h1.long{font-size:1.05rem}\
    .source{margin:0 -1rem;border-radius:0;border-width:1px 0}.source span{min-width:0;padding-left:.8rem}\
    .chain .path{min-width:100%}}
    @media print{.source,body{background:none}footer,button{display:none}}
    """

  /// A dot for the browser's tab.
  static let icon =
    "data:image/svg+xml,%3Csvg xmlns=%22http://www.w3.org/2000/svg%22 viewBox=%220 0 16 16%22%3E"
    + "%3Ccircle cx=%228%22 cy=%228%22 r=%226%22 fill=%22%23c8452c%22/%3E%3C/svg%3E"
}
