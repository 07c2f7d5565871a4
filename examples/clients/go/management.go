package main

import (
	"context"
	"fmt"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
	"google.golang.org/protobuf/types/known/structpb"

	authv1 "example.com/rownd-client/gen/rownd/auth/v1"
)

const (
	id    = "tess"
	email = "tess@example.com"
)

// manager has the services for administration. Nothing here is ever sent twice: each call is a write.
type manager struct {
	auth    authv1.RowndAuthClient
	users   authv1.UserServiceClient
	groups  authv1.GroupServiceClient
	clients authv1.OidcClientServiceClient
}

func data(fields map[string]string) *structpb.Struct {
	made := &structpb.Struct{Fields: map[string]*structpb.Value{}}
	for name, value := range fields {
		made.Fields[name] = structpb.NewStringValue(value)
	}
	return made
}

func (m manager) create(ctx context.Context) (string, error) {
	answer, err := m.users.CreateUser(ctx, &authv1.CreateUserRequest{
		UserId: id,
		User:   &authv1.User{Data: data(map[string]string{"email": email, "first_name": "Tess"})},
	})
	user := answer.GetUser()
	return user.GetId() + " " + user.GetData().GetFields()["email"].GetStringValue(), err
}

func (m manager) update(ctx context.Context) (string, error) {
	answer, err := m.users.UpdateUser(ctx, &authv1.UpdateUserRequest{
		User:       &authv1.User{Id: id, Data: data(map[string]string{"first_name": "Theresa"})},
		UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"data.first_name"}},
	})
	return answer.GetUser().GetData().GetFields()["first_name"].GetStringValue(), err
}

// list reads all pages: a page may have fewer users than it may hold, and still have a next one.
func (m manager) list(ctx context.Context) (string, error) {
	var found []string
	request := &authv1.ListUsersRequest{UserIds: []string{"ann", id}, PageSize: 1}
	for {
		page, err := m.users.ListUsers(ctx, request)
		if err != nil {
			return "", err
		}
		for _, user := range page.GetUsers() {
			found = append(found, user.GetId())
		}
		if request.PageToken = page.GetNextPageToken(); request.PageToken == "" {
			return strings.Join(found, ","), nil
		}
	}
}

func (m manager) addToGroup(ctx context.Context) (string, error) {
	answer, err := m.groups.AddGroupMember(ctx, &authv1.AddGroupMemberRequest{
		GroupId: "group_staff",
		User:    &authv1.AddGroupMemberRequest_UserId{UserId: id},
		Roles:   []string{"editor"},
	})
	member := answer.GetMember()
	return member.GetUserId() + " " + strings.Join(member.GetRoles(), ","), err
}

// link signs in everybody who opens it: it is for the user's mailbox, and for no log.
func (m manager) link(ctx context.Context) (string, error) {
	answer, err := m.users.CreateSignInLink(ctx, &authv1.CreateSignInLinkRequest{
		Address:     &authv1.CreateSignInLinkRequest_Email{Email: email},
		RedirectUrl: "https://example.com/welcome",
	})
	if answer.GetLink() == "" {
		return "none", err
	}
	return "for " + answer.GetUserId(), err
}

func (m manager) openIDClient(ctx context.Context) (string, error) {
	config := &authv1.OidcClientConfig{RedirectUris: []string{"https://example.com/callback"}}
	made, err := m.clients.CreateOidcClient(ctx, &authv1.CreateOidcClientRequest{
		OidcClient: &authv1.OidcClient{Name: "Web", Config: config},
	})
	if err != nil {
		return "", err
	}
	of := made.GetOidcClient().GetId()
	read, err := m.clients.GetOidcClient(ctx, &authv1.GetOidcClientRequest{Id: of})
	if err != nil {
		return "", err
	}
	_, err = m.clients.DeleteOidcClient(ctx, &authv1.DeleteOidcClientRequest{Id: of})
	// Keep the secret of the first answer: no other one has it.
	first := made.GetOidcClient().GetCredentials()[0].Secret != nil
	later := read.GetOidcClient().GetCredentials()[0].Secret != nil
	return fmt.Sprintf("secret at first %t, later %t", first, later), err
}

func (m manager) disable(ctx context.Context) (string, error) {
	answer, err := m.users.DisableUser(ctx, &authv1.DisableUserRequest{UserId: id})
	return answer.GetUser().GetState().String(), err
}

func (m manager) signOut(ctx context.Context) (string, error) {
	_, err := m.users.SignOutUser(ctx, &authv1.SignOutUserRequest{UserId: id})
	return "done", err
}

func (m manager) delete(ctx context.Context) (string, error) {
	_, err := m.users.DeleteUser(ctx, &authv1.DeleteUserRequest{UserId: id})
	return "done", err
}

func (m manager) user(ctx context.Context) (string, error) {
	answer, err := m.auth.GetUser(ctx, &authv1.GetUserRequest{
		Subject: &authv1.GetUserRequest_UserId{UserId: id},
	})
	return answer.GetUser().GetId(), err
}

func manage(channel *grpc.ClientConn) {
	m := manager{
		auth:    authv1.NewRowndAuthClient(channel),
		users:   authv1.NewUserServiceClient(channel),
		groups:  authv1.NewGroupServiceClient(channel),
		clients: authv1.NewOidcClientServiceClient(channel),
	}
	for _, step := range []struct {
		what string
		call func(context.Context) (string, error)
	}{
		{"create", m.create},
		{"create again", m.create},
		{"update", m.update},
		{"list", m.list},
		{"add to group", m.addToGroup},
		{"sign-in link", m.link},
		{"OpenID client", m.openIDClient},
		{"disable", m.disable},
		{"sign out", m.signOut},
		{"delete", m.delete},
		{"user", m.user},
	} {
		attempt(step.what, func() (string, error) {
			ctx, cancel := context.WithTimeout(context.Background(), deadline)
			defer cancel()
			return step.call(ctx)
		})
	}
}
