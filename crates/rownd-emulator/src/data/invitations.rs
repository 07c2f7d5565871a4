//! The life of an invite: it makes a pending member, who joins by accepting it, and it is withdrawn.

use super::{
    error::DataError,
    groups::{Group, Member, MemberState, OWNER},
    invites::{Invite, InviteState},
};

/// The most invites of one group.
const MAX_INVITES: usize = 1_000;

impl Group {
    /// Fails if the group holds as many invites as the emulator keeps.
    pub(crate) fn check_room_for_invite(&self) -> Result<(), DataError> {
        if self.invites.len() >= MAX_INVITES {
            return Err(DataError::TooManyInvites(MAX_INVITES));
        }
        Ok(())
    }

    /// Adds an invite, and the invited user as a pending member. The first member of a group is an
    /// owner, whether invited or added.
    pub(crate) fn invite(&mut self, mut invite: Invite) -> Result<Invite, DataError> {
        self.check_room_for_invite()?;
        let user = &invite.ensured_user_id;
        if self.member_of(user).is_some_and(|member| member.state == MemberState::Active) {
            return Err(DataError::AlreadyMember);
        }
        let alone = self.members.iter().all(|member| member.user_id == *user);
        if alone && !invite.roles.iter().any(|role| role == OWNER) {
            invite.roles.push(OWNER.to_owned());
        }
        let mut member = Member::new(user, invite.roles.clone());
        member.state = MemberState::InvitePending;
        member.invited_by.clone_from(&invite.created_by);
        let mut members = self.members.clone();
        match members.iter_mut().find(|known| known.user_id == *user) {
            Some(known) => *known = Member { id: known.id.clone(), ..member },
            None => members.push(member),
        }
        self.set_members(members)?;
        self.invites.insert(invite.id.clone(), invite.clone());
        Ok(invite)
    }

    /// Changes the roles of an invite, and of its pending member.
    pub(crate) fn change_invited_roles(
        &mut self,
        invite: &str,
        roles: &[String],
    ) -> Result<(), DataError> {
        let known = self.invites.get(invite).ok_or(DataError::NoSuchGroup)?;
        if known.state == InviteState::Pending {
            let mut members = self.members.clone();
            let member = members.iter_mut().find(|member| {
                member.user_id == known.ensured_user_id && member.state != MemberState::Active
            });
            if let Some(member) = member {
                member.roles = roles.to_vec();
            }
            self.set_members(members)?;
        }
        if let Some(invite) = self.invites.get_mut(invite) {
            invite.roles = roles.to_vec();
        }
        Ok(())
    }

    /// Accepts an invite as this user, and returns the invite.
    pub(crate) fn accept(&mut self, invite: &str, user: &str) -> Result<Invite, DataError> {
        let mut invite = self.invites.get(invite).cloned().ok_or(DataError::NoSuchGroup)?;
        if invite.ensured_user_id != user {
            return Err(DataError::InviteForAnotherUser);
        }
        if invite.state != InviteState::Pending {
            return Err(DataError::InviteUsed);
        }
        match self.members.iter_mut().find(|member| member.user_id == user) {
            Some(member) if member.state == MemberState::Active => {
                return Err(DataError::AlreadyMember);
            }
            Some(member) => member.state = MemberState::Active,
            None => {
                let mut member = Member::new(user, invite.roles.clone());
                member.invited_by.clone_from(&invite.created_by);
                self.admit(member)?;
            }
        }
        invite.state = InviteState::Accepted;
        invite.accepted_by = Some(user.to_owned());
        self.invites.insert(invite.id.clone(), invite.clone());
        Ok(invite)
    }

    /// Removes an invite, and its pending member if no other invite is for the same user.
    pub(crate) fn withdraw(&mut self, invite: &str) -> Result<(), DataError> {
        let known = self.invites.get(invite).ok_or(DataError::NoSuchGroup)?;
        let user = known.ensured_user_id.clone();
        let others =
            self.invites.values().filter(|other| other.id != invite && other.is_pending_for(&user));
        if known.state == InviteState::Pending && others.count() == 0 {
            let mut members = self.members.clone();
            members.retain(|member| {
                member.user_id != user || member.state != MemberState::InvitePending
            });
            self.set_members(members)?;
        }
        self.invites.remove(invite);
        Ok(())
    }

    /// Ends the pending invites of a user who does not become a member.
    pub(crate) fn reject_invites_of(&mut self, user: &str) {
        for invite in self.invites.values_mut() {
            if invite.is_pending_for(user) {
                invite.state = InviteState::Rejected;
            }
        }
    }
}
