"""What WeChat's Official Accounts, 微信客服 and WeCom have in common: envelopes, tokens, calls, lengths, bindings."""
