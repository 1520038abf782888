"""``make faults``: the bot's promises while everything around it and in it is killed, and an oracle that checks them."""
