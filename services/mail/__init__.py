"""The mail catcher of the lab: takes the shop's mail, delivers none, and shows the lab what arrived."""
